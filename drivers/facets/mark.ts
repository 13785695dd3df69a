/** Whose a machine is: written on the host, in the machine itself. */
export interface OwnerMark {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What is kept in the machine on the host: whose it is, and the controllers' record of what the host forgets. */
export interface Mark {
  readonly owner: OwnerMark;
  /** Opaque to drivers, at most 4 KiB of text; empty when nothing was recorded. */
  readonly record: string;
  /** Of a definition that takes several calls: the record until all of it is there. Else it would speak of what nobody has made yet. */
  readonly until?: string;
}
