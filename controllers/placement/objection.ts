/** Why a host does not suit: a word for programs, and what was asked and what the host has. */
export interface Objection {
  readonly reason: string;
  readonly message: string;
}
