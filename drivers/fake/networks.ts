import type { Networks } from '#drivers/driver.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';

export function networksOf(host: FakeHost<Clock>, connection: Connection): Networks {
  return {
    list: (signal) => connection.ask({ verb: 'networks.list' }, signal, () => structuredClone([...host.networks.values()])),
  };
}
