// What an operator, or the operator's controller, tells this gateway over the bus.
import type { Bus, Subscription } from '@sluice/bus/bus';
import { Control } from '@sluice/bus/payloads/control';
import { subjectName } from '@sluice/bus/subjects';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { Gateway } from './gateway.ts';

export interface ControlModules {
  readonly bus: Bus;
  readonly log: Logger;
  readonly gateway: Gateway;
  drain(deadlineMs: number): void;
}

export function listenToOperator(modules: ControlModules): Subscription {
  const { bus, log, gateway } = modules;
  return bus.subscribe(subjectName('control', gateway.incarnation), (payload) => {
    try {
      obey(Control.decode(payload), modules);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'an order that cannot be read');
    }
  });
}

function obey(order: Control, { log, gateway, drain }: ControlModules): void {
  log.info({ order }, 'order of an operator');
  if (order.kind === 'drain') {
    drain(order.deadlineMs);
    return;
  }
  const connection = gateway.connections.get(order.connectionId);
  if (connection === undefined) return;
  if (order.kind === 'closeConnection') connection.end('closed-by-operator', order.reason);
  else gateway.closeChannels.byOperator(connection, order.channelId, order.reason);
}
