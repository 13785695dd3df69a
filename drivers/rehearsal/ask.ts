/** Does it to the host as it would be, and notes that it was asked: `machines.define`, of what. */
export type Ask = <T>(verb: string, of: string, act: () => T) => Promise<T>;
