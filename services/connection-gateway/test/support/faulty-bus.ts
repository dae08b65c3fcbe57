// A bus whose stream of shares is away when a test says so, as it is while a NATS server restarts.
import type { Bus, BusStatus } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';

export interface FaultyBus extends Bus {
  away: boolean;
  /** The record is stored, its acknowledgement is lost. */
  loseAcknowledgements: boolean;
  /** Tells the listeners that the bus is back. */
  back(): void;
}

export async function createFaultyBus(): Promise<FaultyBus> {
  const bus = await createInProcessBus();
  const listeners: ((status: BusStatus) => void)[] = [];
  const faults = {
    away: false,
    loseAcknowledgements: false,
    back() {
      faults.away = false;
      faults.loseAcknowledgements = false;
      for (const listener of listeners) listener('up');
    },
    onStatus(listener: (status: BusStatus) => void) {
      listeners.push(listener);
      return { close: () => undefined };
    },
    async append(...call: Parameters<Bus['append']>) {
      if (call[0] === 'SHARES' && faults.away) throw new BusError('bus-timeout', 'away');
      const result = await bus.append(...call);
      if (call[0] === 'SHARES' && faults.loseAcknowledgements) throw new BusError('bus-timeout', 'no answer');
      return result;
    },
  };
  return new Proxy(faults, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      const value: unknown = Reflect.get(bus, name);
      return typeof value === 'function' ? value.bind(bus) : value;
    },
  }) as unknown as FaultyBus;
}
