import { DriverError } from '#drivers/error.js';
import type { Shown } from './shown.js';

/** What is to be made of answers, verb by verb. */
export type After<F> = {
  readonly [V in keyof F]?: F[V] extends (...args: infer A) => Promise<infer R> ? (answer: R, ...args: A) => void : never;
};

/** What is to be made of refusals. */
export type Refused<F> = { readonly [V in keyof F]?: F[V] extends (...args: infer A) => Promise<unknown> ? (...args: A) => void : never };

type Heard = ((...heard: readonly unknown[]) => void) | undefined;

/** The same facet; of each verb that did as it was asked is told that it did. Whether that is true, the checks of the suite look. */
export function observe<F extends object>(facet: F, name: string, shown: Shown, after: After<F>, refused: Refused<F> = {}): F {
  const call = async (verb: string, answer: Promise<unknown>, args: readonly unknown[]): Promise<unknown> => {
    try {
      const given = await answer;
      shown.verb(`${name}.${verb}`);
      (after[verb as keyof F] as Heard)?.(given, ...args);
      return given;
    } catch (reason) {
      if (reason instanceof DriverError && (reason.code === 'Unsupported' || reason.code === 'Invalid'))
        (refused[verb as keyof F] as Heard)?.(...args);
      throw reason;
    }
  };
  return new Proxy(facet, {
    get: (target, verb) => {
      const member: unknown = Reflect.get(target, verb);
      if (typeof member !== 'function' || typeof verb !== 'string') return member;
      return (...args: readonly unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        return answer instanceof Promise ? call(verb, answer, args) : answer;
      };
    },
  });
}
