import { embedObject, type ObjectOf } from './class.js';
import { memory } from './classes.js';

const mebibyte = 2 ** 20;

/** How much memory a machine has, in bytes. */
export interface MemorySizes {
  /** With which it starts, and which it has where none of it is dynamic. */
  readonly startBytes: number;
  readonly leastBytes: number;
  readonly mostBytes: number;
  /** How much more than the guest uses is kept for it; absent where nothing is dynamic, or the host does not tell. */
  readonly bufferPercent?: number;
}

export function sizesOf(of: ObjectOf<typeof memory>): MemorySizes {
  const { VirtualQuantity = 0, Reservation = VirtualQuantity, Limit = VirtualQuantity } = of.common;
  const { DynamicMemoryEnabled, TargetMemoryBuffer } = of.version === 'v1' ? of.v1 : of.v2;
  const startBytes = VirtualQuantity * mebibyte;
  if (DynamicMemoryEnabled !== true) return { startBytes, leastBytes: startBytes, mostBytes: startBytes };
  const [leastBytes, mostBytes] = [Reservation * mebibyte, Limit * mebibyte];
  // Between bounds that are its size nothing moves.
  const moves = leastBytes < startBytes || mostBytes > startBytes;
  return { startBytes, leastBytes, mostBytes, ...(moves && TargetMemoryBuffer !== undefined && { bufferPercent: TargetMemoryBuffer }) };
}

/** What makes it so, as an embedded object. That it is dynamic is said only where it differs: hosts that cannot have it so do not know the word. */
export function sizesText(of: ObjectOf<typeof memory>, { startBytes, leastBytes, mostBytes, bufferPercent }: MemorySizes): string {
  const { InstanceID } = of.common;
  const quantities = { VirtualQuantity: startBytes / mebibyte, Reservation: leastBytes / mebibyte, Limit: mostBytes / mebibyte };
  const isDynamic = leastBytes < startBytes || mostBytes > startBytes;
  const wasDynamic = (of.version === 'v1' ? of.v1 : of.v2).DynamicMemoryEnabled === true;
  const own = {
    ...(isDynamic === wasDynamic ? {} : { DynamicMemoryEnabled: isDynamic }),
    ...(isDynamic && bufferPercent !== undefined && { TargetMemoryBuffer: bufferPercent }),
  };
  const common = { InstanceID, ...quantities };
  return of.version === 'v1'
    ? embedObject(memory, { version: 'v1', common, v1: own })
    : embedObject(memory, { version: 'v2', common, v2: own });
}
