import { corpusOf, keep } from './corpus.js';
import { Coverage } from './coverage.js';
import { mutate, type Random, randomOf } from './mutate.js';
import type { Target } from './target.js';
import { targets } from './targets.js';

/**
 * Breeds hostile bytes for FUZZ_SECONDS (60), the same time for each target: what runs code that nothing before it ran is bred on, and kept in the
 * corpus. What breaks us is kept, too, and told; the exit code is 1 then. With names as arguments, those targets alone. FUZZ_SEED repeats a run.
 */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 60);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 32);
const named = process.argv.slice(2);

/** In bytes: what is kept in the repository is small. */
const mostKept = 4_096;
/** A look at what has run costs as much as many inputs do. */
const batch = 16;

/** Of one target: what it is bred on, and what came of it. */
class Run {
  readonly #target: Target;
  readonly #random: Random = randomOf(seed);
  readonly #bred: Buffer[] = [];
  #inputs = 0;
  #kept = 0;
  #isBroken = false;

  constructor(target: Target) {
    this.#target = target;
  }

  async until(time: number): Promise<void> {
    using coverage = new Coverage();
    await this.#begin(coverage);
    while (!this.#isBroken && Date.now() < time) await this.#round(coverage);
    console.log(`${this.#target.name}: ${this.#inputs} inputs, ${this.#kept} kept`);
  }

  async #begin(coverage: Coverage): Promise<void> {
    this.#bred.push(...[...this.#target.seeds, ...corpusOf(this.#target).values()].map((bytes) => Buffer.from(bytes)));
    for (const bytes of this.#bred) await this.#try(bytes);
    coverage.learn(coverage.look());
  }

  async #round(coverage: Coverage): Promise<void> {
    const some = Array.from({ length: batch }, () => mutate(this.#any(), this.#any(), this.#random));
    for (const bytes of some) await this.#try(bytes);
    const blocks = coverage.look();
    if (blocks.length > 0) await this.#select(some, coverage);
    coverage.learn(blocks);
  }

  /** Those among them that lead somewhere new by themselves. */
  async #select(some: readonly Buffer[], coverage: Coverage): Promise<void> {
    for (const bytes of some) {
      await this.#try(bytes);
      const blocks = coverage.look();
      if (blocks.length === 0) continue;
      coverage.learn(blocks);
      this.#bred.push(bytes);
      if (bytes.length > mostKept) continue;
      keep(this.#target, bytes);
      this.#kept += 1;
    }
  }

  async #try(bytes: Buffer): Promise<void> {
    this.#inputs += 1;
    try {
      await this.#target.read(bytes);
    } catch (reason) {
      if (!this.#isBroken) console.error(`${this.#target.name} is broken by ${keep(this.#target, bytes)}, seed ${seed}:`, reason);
      this.#isBroken = true;
      process.exitCode = 1;
    }
  }

  #any(): Buffer {
    return this.#bred[this.#random(this.#bred.length)] ?? Buffer.alloc(0);
  }
}

const chosen = targets.filter(({ name }) => named.length === 0 || named.includes(name));
for (const target of chosen) await new Run(target).until(Date.now() + (seconds * 1000) / chosen.length);
