import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { DriverError } from '#drivers/error.js';
import { XdrError } from '#drivers/libvirt/rpc/bytes.js';
import { encodeFrame, type Frame, FrameCutter, type Header, messageStatus, messageTypes, programs } from '#drivers/libvirt/rpc/frame.js';
import * as procedures from '#drivers/libvirt/rpc/procedures.js';
import { decodeRemoteError } from '#drivers/libvirt/rpc/reply.js';
import { Scram, ScramError } from '#drivers/libvirt/rpc/scram.js';
import { Session } from '#drivers/libvirt/rpc/session.js';
import { paramsByField, remoteError, statsRecord } from '#drivers/libvirt/rpc/types.js';
import { type Codec, decodeFromBytes, encodeToBytes } from '#drivers/libvirt/rpc/xdr.js';
import { statsOf, targetsOf } from '#drivers/libvirt/stats-record.js';
import { seedTexts, type Target, unlessRefused, unlessRejected } from '../target.js';

const domain = { name: 'web', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 7 };
const pool = { name: 'fast', uuid: domain.uuid };
const volume = { pool: 'fast', name: 'root', key: '/p/root' };
const noBytes = Buffer.alloc(0);

const header: Header = {
  program: programs.remote,
  version: 1,
  procedure: 1,
  type: messageTypes.reply,
  serial: 1,
  status: messageStatus.ok,
};

interface Numbered<T> {
  readonly number: number;
  readonly codec: Codec<T>;
}

function frame<T>({ number, codec }: Numbered<T>, value: T, change: Partial<Header> = {}): Buffer {
  return encodeFrame({ ...header, procedure: number, ...change }, encodeToBytes(codec, value));
}

const reply = <T>({ number, result }: { readonly number: number; readonly result: Codec<T> }): Numbered<T> => ({ number, codec: result });
const event = <T>({ number, body }: { readonly number: number; readonly body: Codec<T> }): Numbered<T> => ({ number, codec: body });
const message = { type: messageTypes.message, serial: 0 } as const;

const measuredOf = (count: bigint) => ({
  domain,
  params: [
    { field: 'state.state', value: { kind: 'int', value: 1 } },
    { field: 'cpu.time', value: { kind: 'ullong', value: 5n } },
    { field: 'balloon.current', value: { kind: 'ullong', value: 1n } },
    { field: 'balloon.rss', value: { kind: 'ullong', value: 1n } },
    { field: 'vcpu.maximum', value: { kind: 'ullong', value: count } },
    { field: 'vcpu.0.wait', value: { kind: 'ullong', value: 3n } },
    { field: 'net.count', value: { kind: 'ullong', value: count } },
    { field: 'net.0.name', value: { kind: 'string', value: 'vnet0' } },
    { field: 'net.0.rx.bytes', value: { kind: 'ullong', value: 9n } },
    { field: 'net.0.tx.bytes', value: { kind: 'ullong', value: 9n } },
    { field: 'block.count', value: { kind: 'ullong', value: count } },
    { field: 'block.0.name', value: { kind: 'string', value: 'vda' } },
    { field: 'block.0.rd.bytes', value: { kind: 'double', value: 0.5 } },
    { field: 'block.0.rd.reqs', value: { kind: 'llong', value: -1n } },
    { field: 'block.0.wr.bytes', value: { kind: 'boolean', value: true } },
    { field: 'block.0.wr.reqs', value: { kind: 'uint', value: 1 } },
  ] as const,
});

const failure = {
  code: 42,
  domain: 10,
  message: 'Domain not found',
  level: 2,
  machine: domain,
  str1: 'a',
  int1: 1,
  int2: 0,
  network: pool,
};

const frames: readonly Buffer[] = [
  frame(reply(procedures.domainGetState), { state: 1, reason: 1 }),
  frame(reply(procedures.connectListAllDomains), [domain, domain]),
  frame(reply(procedures.connectGetAllDomainStats), [measuredOf(1n)]),
  frame(reply(procedures.connectGetHostname), 'kvm3'),
  frame(reply(procedures.authSaslStart), { complete: false, data: Buffer.from('r=x,s=AAAA,i=4096') }),
  frame(event(procedures.domainEvents.lifecycle), { domain, change: 2, detail: 0 }, message),
  frame(event(procedures.domainEvents['disk-change']), { domain, oldSource: 'a', alias: 'b', reason: 1 }, message),
  frame(event(procedures.poolEvents.lifecycle), { pool, change: 2, detail: 0 }, message),
  encodeFrame({ ...header, procedure: 24, status: messageStatus.error }, encodeToBytes(remoteError, failure)),
  encodeFrame({ ...header, program: programs.keepalive, type: messageTypes.message, serial: 0 }, noBytes),
];

type Decoder = (body: Uint8Array) => unknown;
const calls = Object.values(procedures).flatMap((each) => ('kind' in each && each.kind === 'call' ? [each] : []));
const events = [procedures.domainEvents, procedures.poolEvents, procedures.networkEvents].flatMap((kind) => Object.values(kind));
const decoders = new Map<number, Decoder>([
  ...calls.map(({ number, result }) => [number, (body: Uint8Array) => decodeFromBytes<unknown>(result, body)] as const),
  ...events.map(({ number, body: codec }) => [number, (body: Uint8Array) => decodeFromBytes<unknown>(codec, body)] as const),
]);

/** In pieces of `size` bytes. */
function* cut(bytes: Buffer, size: number): Generator<Frame> {
  const cutter = new FrameCutter();
  for (let at = 0; at < bytes.length; at += size) {
    yield* cutter.push(bytes.subarray(at, at + size));
    if (cutter.room > Math.max(8, 2 * bytes.length)) throw new Error(`${cutter.room} bytes are held for ${bytes.length}`);
  }
}

function decode({ header: { procedure, status }, body }: Frame): void {
  if (status === messageStatus.error) decodeRemoteError(body);
  else decoders.get(procedure)?.(body);
}

/** Our end of a socket whose other end is these bytes. */
class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** What a client asks first, a stream among it; each question has its answer by its serial. */
const conversation = Buffer.concat([
  frame(reply(procedures.authList), [0], { serial: 1 }),
  frame(reply(procedures.domainGetState), { state: 1, reason: 1 }, { serial: 2 }),
  encodeFrame({ ...header, procedure: procedures.storageVolDownload.number, serial: 3 }, noBytes),
  encodeFrame(
    { ...header, procedure: procedures.storageVolDownload.number, serial: 3, type: messageTypes.stream, status: messageStatus.continue },
    Buffer.from('some bytes'),
  ),
]);

/** A session ends of whatever is thrown while it reads, and tells it as trouble of the connection: what is a fault of ours shows in the cause. */
function checkCause(reason: unknown): undefined {
  if (!(reason instanceof DriverError)) throw reason;
  if (reason.cause instanceof Error && !(reason.cause instanceof XdrError || reason.cause instanceof DriverError)) throw reason.cause;
}

/** Every question comes to an end, at the latest when nobody waits, and nothing is left behind. */
async function converse(bytes: Buffer): Promise<void> {
  const wire = new Wire();
  const session = new Session(wire, 'fuzz');
  const asked = [
    session.call(procedures.authList, undefined).catch(checkCause),
    session.call(procedures.domainGetState, { domain, flags: 0 }).catch(checkCause),
    session.openStream(procedures.storageVolDownload, { volume, offset: 0, length: 0, flags: 0 }).then(drain).catch(checkCause),
  ];
  const size = Math.max(1, bytes.length >> 2);
  for (let at = 0; at < bytes.length; at += size) wire.push(bytes.subarray(at, at + size));
  wire.push(null);
  // What opens no stream may still send packets of it, and holds up the rest: whoever waits gives up at some time.
  for (let turns = 0; turns < 5; turns += 1) await turn();
  session.fail('nobody waits any more');
  await Promise.all(asked);
  if (session.outstanding > 0) throw new Error(`${session.outstanding} questions are left without an answer`);
}

async function drain({ output }: Awaited<ReturnType<Session['openStream']>>): Promise<void> {
  for await (const _packet of output);
}

/** What a host may have us reckon is bounded elsewhere; here it is to be quick. */
const isQuick = (challenge: string): boolean => !/i=\d{5,}/.test(challenge);

async function logIn(bytes: Buffer): Promise<void> {
  const scram = new Scram('SCRAM-SHA-256', { username: 'u', password: 'p' }, 'nonce');
  for (const challenge of bytes.toString('utf8').split('\n').slice(0, 3))
    if (isQuick(challenge)) await unlessRejected([ScramError], scram.next(challenge));
  if (scram.isVerified) throw new Error('who does not know the password passes for the host');
}

export const libvirtRpcTargets: readonly Target[] = [
  {
    name: 'libvirt-frames',
    seeds: [...frames, Buffer.concat(frames)],
    read: (bytes) => {
      for (const size of [bytes.length, 7])
        unlessRefused([XdrError], () => {
          for (const each of cut(bytes, Math.max(1, size))) unlessRefused([XdrError], () => decode(each));
        });
    },
  },
  {
    name: 'libvirt-statistics',
    seeds: [1n, 0n, 2n ** 63n].map((count) => encodeToBytes(statsRecord, measuredOf(count))),
    read: (bytes) => {
      const record = unlessRefused([XdrError], () => decodeFromBytes(statsRecord, bytes));
      if (record === undefined) return;
      const fields = paramsByField(record.params);
      const names = new Map(targetsOf(fields).map((target) => [target, 'root']));
      statsOf(record.domain.uuid as Parameters<typeof statsOf>[0], fields, names);
    },
  },
  { name: 'libvirt-session', seeds: [conversation], read: converse },
  {
    name: 'libvirt-login',
    seeds: seedTexts('r=nonce2,s=AAAA,i=4096\nv=AAAA', 'r=nonce2,s=AAAA,i=4096\ne=other-error', 'v=AAAA'),
    read: logIn,
  },
];
