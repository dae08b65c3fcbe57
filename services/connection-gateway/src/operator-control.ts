// What an operator, or the operator's controller, tells this gateway over the bus.
import type { Bus, Subscription } from '@sluice/bus/bus';
import { Control, EVERY_GATEWAY } from '@sluice/bus/payloads/control';
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
  const subscriptions = [gateway.incarnation, EVERY_GATEWAY].map((addressee) =>
    bus.subscribe(subjectName('control', addressee), (payload) => {
      try {
        obey(Control.decode(payload), modules);
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'an order that cannot be read');
      }
    }),
  );
  return {
    close: () => {
      for (const subscription of subscriptions) subscription.close();
    },
  };
}

function obey(order: Control, { log, gateway, drain }: ControlModules): void {
  log.info({ order }, 'order of an operator');
  if (order.kind === 'drain') {
    drain(order.deadlineMs);
    return;
  }
  if (order.kind === 'closeAccount') {
    closeAccount(gateway, order.account, order.reason);
    return;
  }
  const connection = gateway.connections.get(order.connectionId);
  if (connection === undefined) return;
  if (order.kind === 'closeConnection') connection.end('closed-by-operator', order.reason);
  else gateway.closeChannels.byOperator(connection, order.channelId, order.reason);
}

function closeAccount({ connections, closeChannels }: Gateway, account: string, reason: string): void {
  for (const connection of connections.values()) {
    for (const channel of connection.channels) {
      if (channel.identity === account) closeChannels.byOperator(connection, channel.id, reason);
    }
  }
}
