import type { Finding, Probed } from './probe.js';

const rememberedMs = 10 * 60_000;

/**
 * What was found of one host's KVM, kept from one connection to the next: trying it may take many seconds, and a daemon that was
 * restarted has machines waiting. It is tried again by connections made ten minutes later: the host may be another
 * by then, or was merely busy.
 */
export class KvmMemory {
  readonly #findings = new Map<string, { readonly finding: Finding; readonly at: number }>();

  async recall(probed: Probed, find: () => Promise<Finding>): Promise<Finding> {
    const key = JSON.stringify(probed);
    const known = this.#findings.get(key);
    if (known !== undefined && Date.now() - known.at < rememberedMs) return known.finding;
    const finding = await find();
    this.#findings.set(key, { finding, at: Date.now() });
    return finding;
  }
}
