/** What was acknowledged to anybody, and what must be true of it for all. */
export class Ledger {
  readonly troubles: string[] = [];
  readonly #revisions = new Map<number, string>();
  #newest = 0;
  writes = 0;

  /** Of the newest write that is known to have been. */
  get newest(): number {
    return this.#newest;
  }

  trouble(text: string): void {
    this.troubles.push(text);
  }

  /** A write that changed something; `before` is the newest that was known when it was asked for. */
  acknowledged(what: string, resourceVersion: string, before: number): void {
    const revision = Number(resourceVersion);
    this.writes += 1;
    if (!(revision > before)) this.trouble(`${what}: revision ${resourceVersion} after ${before}`);
    const other = this.#revisions.get(revision);
    if (other !== undefined) this.trouble(`${what}: revision ${resourceVersion} is also that of ${other}`);
    this.#revisions.set(revision, what);
    this.seen(revision);
  }

  /** Somebody was told that the world is so far. */
  seen(revision: number): void {
    this.#newest = Math.max(this.#newest, revision);
  }
}
