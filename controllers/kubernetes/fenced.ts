import type { Client } from './api.js';
import { LeadLost } from './lead.js';

/**
 * A client that asks for nothing any more once the lead is lost. A process that stood still is woken by answers first, and by its timers
 * only then: what goes on after such an answer is stopped here.
 */
export function fenced(client: Client, leads: () => boolean): Client {
  return new Proxy(client, {
    get(target, property) {
      const member = Reflect.get(target, property, target) as unknown;
      if (typeof member !== 'function') return member;
      return (...given: readonly unknown[]) => {
        if (!leads()) throw new LeadLost('another may lead: nothing is asked for any more');
        return Reflect.apply(member, target, given) as unknown;
      };
    },
  });
}
