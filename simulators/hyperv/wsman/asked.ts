/** Told of each request, before it is done: `Enumerate SELECT …`, `Msvm_ComputerSystem.RequestStateChange`. May fail it, or hold it up. */
export type Asked = (what: string) => Promise<void>;
