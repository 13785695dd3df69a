/** Where it is loaded, in bytes: nothing of a PC's lies there. */
const base = 0x10_0000;
const headerBytes = 64;
const segmentBytes = 56;

/** Xen's notes that a kernel carries (xen/include/public/elfnote.h). */
const notes = { entry: 1, virtualBase: 3, physicalOffset: 4, xenVersion: 5, guestOs: 6, loader: 8, pae: 9, pvhEntry: 18 } as const;

/**
 * A kernel that does nothing: it waits, and hears no power button. For machines of which only the hypervisor's side matters; they start at once
 * and take no time of the host's. Paravirtualised it polls for nothing; in PVH it halts.
 */
export function idleKernel(): Buffer {
  const at = (offset: number) => base + offset;
  const noteStart = headerBytes + 2 * segmentBytes;
  const noteBytes = notesOf(0, 0).length;
  const pollStart = noteStart + noteBytes;
  const pvStart = pollStart + 24;
  const pv = pvCode(at(pollStart));
  const pvhStart = pvStart + pv.length;
  const body = Buffer.concat([notesOf(at(pvStart), at(pvhStart)), Buffer.alloc(24), pv, pvhCode]);
  const total = noteStart + body.length;
  const load = segment({ type: 1, flags: 7, offset: 0, bytes: total });
  const note = segment({ type: 4, flags: 4, offset: noteStart, bytes: noteBytes });
  return Buffer.concat([header(at(pvStart)), load, note, body]);
}

/** sched_op(poll, a sched_poll of zeros), again and again. Polling leaves events masked, for which there is nobody here. */
function pvCode(poll: number): Buffer {
  const code = Buffer.from('b81d000000bf03000000be000000000f05ebed', 'hex');
  code.writeUInt32LE(poll, 11);
  return code;
}

/** sti; hlt; jmp: halted with interrupts off, the machine would count as turned off. */
const pvhCode = Buffer.from('fbf4ebfc', 'hex');

function header(entry: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(2, 16); // executable
  bytes.writeUInt16LE(62, 18); // x86_64
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(entry), 24);
  bytes.writeBigUInt64LE(BigInt(headerBytes), 32);
  bytes.writeUInt16LE(headerBytes, 52);
  bytes.writeUInt16LE(segmentBytes, 54);
  bytes.writeUInt16LE(2, 56);
  bytes.writeUInt16LE(64, 58);
  return bytes;
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly bytes: number;
}

function segment({ type, flags, offset, bytes: size }: Segment): Buffer {
  const bytes = Buffer.alloc(segmentBytes);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(flags, 4);
  const words = [offset, base + offset, base + offset, size, size, 4];
  for (const [index, word] of words.entries()) bytes.writeBigUInt64LE(BigInt(word), 8 + 8 * index);
  return bytes;
}

function notesOf(pvEntry: number, pvhEntry: number): Buffer {
  return Buffer.concat([
    note(notes.guestOs, text('idle')),
    note(notes.xenVersion, text('xen-3.0')),
    note(notes.loader, text('generic')),
    note(notes.pae, text('yes')),
    note(notes.virtualBase, number(0)),
    note(notes.physicalOffset, number(0)),
    note(notes.entry, number(pvEntry)),
    note(notes.pvhEntry, number(pvhEntry)),
  ]);
}

const text = (words: string): Buffer => Buffer.from(`${words}\0`);

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** Its name is "Xen"; what it says ends where four bytes do. */
function note(type: number, said: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(4, 0);
  head.writeUInt32LE(said.length, 4);
  head.writeUInt32LE(type, 8);
  head.write('Xen\0', 12);
  return Buffer.concat([head, said, Buffer.alloc(-said.length & 3)]);
}
