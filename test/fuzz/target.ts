/** Something of ours that reads what another wrote, and must bear it whatever it is. */
export interface Target {
  readonly name: string;
  /** What others really write, to begin with. */
  readonly seeds: readonly Uint8Array[];
  /** Fails only for a fault of ours: what the bytes are refused with is none. */
  readonly read: (bytes: Buffer) => void | Promise<void>;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** What `act` gives; undefined where it refuses with one of these errors. Every other one is a fault. */
export function unlessRefused<T>(refusals: readonly ErrorClass[], act: () => T): T | undefined {
  try {
    return act();
  } catch (reason) {
    if (refusals.some((refusal) => reason instanceof refusal)) return undefined;
    throw reason;
  }
}

/** As `unlessRefused`, for what takes its time. */
export async function unlessRejected<T>(refusals: readonly ErrorClass[], promise: Promise<T>): Promise<T | undefined> {
  return await promise.catch((reason: unknown) => {
    if (refusals.some((refusal) => reason instanceof refusal)) return undefined;
    throw reason;
  });
}

/** Fails where anything but data was read: what a word of the host's led to in a table of ours, and should not have. */
export function checkData(value: unknown): void {
  if (typeof value === 'function') throw new Error(`a function was read: ${value.name}`);
  if (value instanceof Map) for (const [key, each] of value) checkData([key, each]);
  else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value))
    for (const each of Object.values(value)) checkData(each);
}

export const seedTexts = (...texts: readonly string[]): readonly Uint8Array[] => texts.map((text) => Buffer.from(text));
