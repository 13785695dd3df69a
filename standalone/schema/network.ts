import { isIP, isIPv4 } from 'node:net';

/** An address as CEL's `ip()` gives it. */
export class Address {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get family(): bigint {
    return isIPv4(this.text) ? 4n : 6n;
  }
}

/** A network as CEL's `cidr()` gives it. */
export class Network {
  readonly address: Address;
  readonly prefix: number;

  constructor(address: Address, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }

  holds(other: Address): boolean {
    return other.family === this.address.family && this.#head(other) === this.#head(this.address);
  }

  get masked(): Network {
    const kept = this.#head(this.address) << BigInt(this.#bits - this.prefix);
    return new Network(new Address(textOf(kept, this.address.family)), this.prefix);
  }

  get #bits(): number {
    return this.address.family === 4n ? 32 : 128;
  }

  #head(address: Address): bigint {
    return numberOf(address) >> BigInt(this.#bits - this.prefix);
  }
}

/** Undefined for what is none. What has a zone is none, as in Kubernetes. */
export const parseAddress = (text: string): Address | undefined => (isIP(text) === 0 || text.includes('%') ? undefined : new Address(text));

export function parseNetwork(text: string): Network | undefined {
  const [, head = '', bits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseAddress(head);
  return address === undefined || Number(bits) > (address.family === 4n ? 32 : 128) ? undefined : new Network(address, Number(bits));
}

function numberOf({ text, family }: Address): bigint {
  if (family === 4n) return text.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
  return groupsOf(text).reduce((sum, group) => (sum << 16n) + BigInt(Number.parseInt(group, 16)), 0n);
}

/** The eight groups of an IPv6 address, whatever it leaves out. */
function groupsOf(text: string): readonly string[] {
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => `${pair(a, b)}:${pair(c, d)}`);
  const [head = '', tail] = plain.split('::');
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const [first, last] = [before ?? [], after ?? []];
  return tail === undefined ? first : [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
}

const pair = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);

function textOf(value: bigint, family: bigint): string {
  const [size, count] = family === 4n ? [8n, 4] : [16n, 8];
  const parts = Array.from({ length: count }, (_, at) => (value >> (size * BigInt(count - 1 - at))) & ((1n << size) - 1n));
  return family === 4n ? parts.join('.') : new URL(`http://[${parts.map((part) => part.toString(16)).join(':')}]`).hostname.slice(1, -1);
}
