import type { ComPortName, MachineDefinition, MachineShape } from '#drivers/driver.js';
import type { Next } from './notes.js';
import type { MemorySizes } from './wmi/memory.js';

type Asked = Pick<MachineDefinition, 'memoryBytes' | 'minMemoryBytes' | 'maxMemoryBytes' | 'hyperv'>;

/** In the API's words, which say nothing of what is not dynamic. */
export function memoryShape({
  startBytes,
  leastBytes,
  mostBytes,
}: MemorySizes): Pick<MachineShape, 'memoryBytes' | 'minMemoryBytes' | 'maxMemoryBytes'> {
  return {
    memoryBytes: startBytes,
    ...(leastBytes < startBytes ? { minMemoryBytes: leastBytes } : {}),
    ...(mostBytes > startBytes ? { maxMemoryBytes: mostBytes } : {}),
  };
}

/** What only Hyper-V has a word for. */
export function hypervShape({ bufferPercent }: MemorySizes, comPorts: readonly ComPortName[]): Pick<MachineShape, 'hyperv'> {
  if (bufferPercent === undefined && comPorts.length === 0) return {};
  return {
    hyperv: {
      ...(bufferPercent === undefined ? {} : { memoryBufferPercent: bufferPercent }),
      ...(comPorts.length === 0 ? {} : { comPorts }),
    },
  };
}

/** What it has at its next start. What nobody speaks of stays, as far as the size leaves room for it. */
export function sizesNext(now: MemorySizes, { memoryBytes = now.startBytes, ...asked }: Next): MemorySizes {
  const isStatic = now.leastBytes === now.startBytes && now.mostBytes === now.startBytes;
  const least = asked.minMemoryBytes ?? (isStatic ? memoryBytes : Math.min(now.leastBytes, memoryBytes));
  const most = asked.maxMemoryBytes ?? (isStatic ? memoryBytes : Math.max(now.mostBytes, memoryBytes));
  const buffer = asked.memoryBufferPercent ?? now.bufferPercent;
  const isDynamic = least < memoryBytes || most > memoryBytes;
  return {
    startBytes: memoryBytes,
    leastBytes: least,
    mostBytes: most,
    ...(isDynamic && buffer !== undefined ? { bufferPercent: buffer } : {}),
  };
}

export function memoryAsked({ memoryBytes, minMemoryBytes, maxMemoryBytes, hyperv }: Asked): Next {
  const asked = { memoryBytes, minMemoryBytes, maxMemoryBytes, memoryBufferPercent: hyperv?.memoryBufferPercent };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

/** In what it differs from what is asked. */
export function memoryDifference(now: MemorySizes, definition: Asked): Next {
  const given = memoryAsked(definition);
  const next = sizesNext(now, given);
  const isAsItIs =
    next.startBytes === now.startBytes &&
    next.leastBytes === now.leastBytes &&
    next.mostBytes === now.mostBytes &&
    next.bufferPercent === now.bufferPercent;
  return isAsItIs ? {} : given;
}
