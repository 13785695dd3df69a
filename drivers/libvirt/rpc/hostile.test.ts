import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Credentials } from '#drivers/target.js';
import { connectLibvirt } from '../connect.js';
import type { Connection, ConnectOptions } from './connection.js';
import { isLibvirt, libvirtCodeOf } from './driver-error.js';
import { encodeFrame, encodeHead, type Frame, FrameCutter, type Header, messageStatus, messageTypes, programs } from './frame.js';
import {
  authList,
  authSaslInit,
  authSaslStep,
  connectDomainEventCallbackRegisterAny,
  connectGetHostname,
  connectOpen,
  connectSupportsFeature,
  domainCreateWithFlags,
  domainDestroyFlags,
  domainEvents,
  domainOpenConsole,
  domainShutdownFlags,
  storageVolDownload,
  storageVolUpload,
} from './procedures.js';
import { domainByUuid, remoteError, string } from './types.js';
import { array, type Codec, encodeToBytes, int } from './xdr.js';

/** What a daemon does with the calls that come after a proper greeting. */
type Behaviour = (request: Frame, daemon: Socket) => void;

const forever = new AbortController().signal;
const control = { lane: 'control' } as const;
const slow = { lane: 'slow', timeoutMs: 50 } as const;
const noBytes = Buffer.alloc(0);
const domain = domainByUuid('00112233-4455-6677-8899-aabbccddeeff');
const volume = { pool: 'p', name: 'v', key: '/v' };
const range = { volume, offset: 0, length: 0, flags: 0 };

function reply(daemon: Socket, { header }: Frame, body: Uint8Array, change: Partial<Header> = {}): void {
  daemon.write(encodeFrame({ ...header, type: messageTypes.reply, ...change }, body));
}

function answer<T>(daemon: Socket, request: Frame, codec: Codec<T>, value: T): void {
  reply(daemon, request, encodeToBytes(codec, value));
}

function fail(daemon: Socket, request: Frame, code: number, message: string, change: Partial<Header> = {}): void {
  const body = encodeToBytes(remoteError, { code, domain: 0, message, level: 2, int1: 0, int2: 0 });
  reply(daemon, request, body, { status: messageStatus.error, ...change });
}

function greeting(request: Frame, daemon: Socket): boolean {
  const { procedure, program } = request.header;
  if (program === programs.keepalive) return true;
  if (procedure === authList.number) answer(daemon, request, array(int, 9), [0]);
  else if (procedure === connectSupportsFeature.number) answer(daemon, request, int, 1);
  else if (procedure === connectOpen.number) reply(daemon, request, noBytes);
  else return false;
  return true;
}

interface Daemon {
  readonly uri: string;
  readonly sockets: readonly Socket[];
  readonly requests: readonly Frame[];
}

/** A daemon that greets properly and then behaves as it is told; `onConnect` comes before even that. */
async function startDaemon(t: Test, behave: Behaviour, onConnect: (daemon: Socket) => boolean = () => true): Promise<Daemon> {
  const directory = await mkdtemp(join(tmpdir(), 'vw-hostile-'));
  const sockets: Socket[] = [];
  const requests: Frame[] = [];
  const server = createServer((daemon) => {
    sockets.push(daemon);
    daemon.on('error', () => {});
    const cutter = new FrameCutter();
    if (!onConnect(daemon)) return;
    daemon.on('data', (chunk) => {
      for (const request of cutter.push(chunk)) {
        requests.push(request);
        if (!greeting(request, daemon)) behave(request, daemon);
      }
    });
  });
  server.listen(join(directory, 's'));
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(directory, { recursive: true });
  });
  return { uri: `qemu+unix:///system?socket=${directory}/s`, sockets, requests };
}

async function connectTo(t: Test, behave: Behaviour, options: ConnectOptions = {}): Promise<{ connection: Connection; daemon: Daemon }> {
  const daemon = await startDaemon(t, behave);
  const connection = await connectLibvirt(daemon.uri, options, forever);
  t.teardown(() => connection[Symbol.asyncDispose]());
  return { connection, daemon };
}

function hostname(connection: Connection): Promise<string> {
  return connection.call(connectGetHostname, undefined, control, forever);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

t.test('no daemon is told as what an operator can act on', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'vw-hostile-'));
  t.teardown(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'file'), '');
  const connect = (name: string) => connectLibvirt(`qemu+unix:///system?socket=${directory}/${name}`, {}, forever);
  await t.rejects(connect('none'), { code: 'Unavailable', message: `no libvirt daemon listens on ${directory}/none: start libvirtd` });
  await t.rejects(connect('file'), { code: 'Unavailable', message: /no libvirt daemon listens/ });
  await t.rejects(connect('file/below'), { code: 'Unavailable', message: /ENOTDIR/ });
  await t.rejects(connectLibvirt('qemu+tcp://elsewhere/system', {}, forever), { code: 'Invalid' });
  await t.rejects(connectLibvirt('qemu:///system', {}, AbortSignal.abort(new Error('enough'))), {
    code: 'TimedOut',
    cause: { message: 'enough' },
  });
});

/** A daemon that asks for a password, and answers each message of SASL by the next of these. */
function asking(mechanisms: string, ...answers: readonly { readonly complete: boolean; readonly says?: string }[]) {
  const left = [...answers];
  return (daemon: Socket) => {
    const cutter = new FrameCutter();
    daemon.on('data', (chunk) => {
      for (const request of cutter.push(chunk)) {
        const { procedure } = request.header;
        if (procedure === authList.number) answer(daemon, request, array(int, 9), [1]);
        else if (procedure === authSaslInit.number) answer(daemon, request, string, mechanisms);
        else {
          const { complete, says } = left.shift() ?? { complete: false };
          answer(daemon, request, authSaslStep.result, { complete, ...(says === undefined ? {} : { data: Buffer.from(says) }) });
        }
      }
    });
    return false;
  };
}

t.test('a daemon that asks for a password has to know it, too', async (t) => {
  const login = { username: 'agent', password: 'hunter2' };
  const credentials = new Credentials(Object.entries(login).map(([key, value]) => [key, Buffer.from(value)]));
  const [more, done] = [{ complete: false }, { complete: true }];
  for (const [behaviour, message] of [
    [asking('GSSAPI'), /the daemon offers GSSAPI to authenticate by; accepted: SCRAM-SHA-512 or SCRAM-SHA-256 /],
    [asking(''), /the daemon offers nothing/],
    [asking('PLAIN LOGIN DIGEST-MD5 SCRAM-SHA-1'), /offers PLAIN, LOGIN, DIGEST-MD5, SCRAM-SHA-1 to/],
    [asking('SCRAM-SHA-256', done), /the host ends before it has proven that it knows the password/],
    [asking('SCRAM-SHA-256', { ...done, says: 'v=AAAA' }), /the nonce of the host is not made of ours/],
    [asking('SCRAM-SHA-256', { ...more, says: 'r=x,s=AAAA,i=4096' }), /the nonce of the host is not made of ours/],
    [asking('SCRAM-SHA-256', more, more, more, more, more, more), /ends before it has proven/],
  ] as const) {
    const { uri, requests } = await startDaemon(t, () => {}, behaviour);
    const reason = await connectLibvirt(uri, { credentials }, forever).then(
      () => t.fail('connected'),
      (error: unknown) => error,
    );
    t.match(reason, { code: 'Denied', message });
    t.notMatch(inspect(reason, { depth: 10 }), /hunter2/);
    t.same(requests, []);
  }
});

t.test('a daemon that wants a password is Denied, with the remedy', async (t) => {
  const wantsPolkit = (daemon: Socket) => {
    daemon.once('data', (chunk) => {
      for (const request of new FrameCutter().push(chunk)) answer(daemon, request, array(int, 9), [2]);
    });
    return false;
  };
  const { uri } = await startDaemon(t, () => {}, wantsPolkit);
  await t.rejects(connectLibvirt(uri, {}, forever), { code: 'Denied', message: /polkit.*auth_unix_rw = "none"/ });
});

t.test('a daemon that speaks no RPC is Unavailable', async (t) => {
  const greetings = ['HTTP/1.1 400 Bad Request\r\n\r\n', '\0\0\0\u001c', '\uffff\uffff\uffff', '\0\0\0\0'];
  for (const words of greetings) {
    const { uri } = await startDaemon(
      t,
      () => {},
      (daemon) => {
        daemon.end(words);
        return false;
      },
    );
    await t.rejects(connectLibvirt(uri, {}, forever), { name: 'DriverError', code: 'Unavailable' }, JSON.stringify(words));
  }
});

t.test('an answer that breaks the protocol ends the connection at once', async (t) => {
  const breaches: readonly (readonly [string, Behaviour, RegExp])[] = [
    ['another serial', (request, daemon) => reply(daemon, request, noBytes, { serial: 4711 }), /serial 4711, which was not asked/],
    ['another procedure', (request, daemon) => reply(daemon, request, noBytes, { procedure: 1 }), /procedure 1, serial .* not asked/],
    ['another program', (request, daemon) => reply(daemon, request, noBytes, { program: 5 }), /program 5 received/],
    ['another version', (request, daemon) => reply(daemon, request, noBytes, { version: 2 }), /program version 2 received/],
    ['another type', (request, daemon) => reply(daemon, request, noBytes, { type: 9 }), /message type 9 received/],
    ['a stream', (request, daemon) => reply(daemon, request, noBytes, { type: 3 }), /which was not opened/],
    ['too long', (_, daemon) => daemon.write(Buffer.from('7fffffff', 'hex')), /message of 2147483647 bytes announced/],
    ['too short', (_, daemon) => daemon.write(Buffer.from('00000005', 'hex')), /message of 5 bytes announced/],
    ['cut off', (_, daemon) => daemon.end(Buffer.from('000000ff00', 'hex')), /closed the connection/],
    ['hung up', (_, daemon) => daemon.destroy(), /closed the connection|broke/],
  ];
  for (const [name, behave, message] of breaches) {
    const { connection } = await connectTo(t, behave);
    await t.rejects(hostname(connection), { name: 'DriverError', code: 'Unavailable', message }, name);
  }
});

t.test('an answer that makes no sense is the trouble of one call', async (t) => {
  const answers: Behaviour[] = [
    (request, daemon) => reply(daemon, request, Buffer.from('ffffffff', 'hex')),
    (request, daemon) => reply(daemon, request, Buffer.from('00'.repeat(8), 'hex')),
    (request, daemon) => reply(daemon, request, Buffer.from('00', 'hex'), { status: messageStatus.error }),
    (request, daemon) => answer(daemon, request, string, 'kvm3'),
  ];
  const { connection } = await connectTo(t, (request, daemon) => answers.shift()?.(request, daemon));
  await t.rejects(hostname(connection), { code: 'Internal', message: /CONNECT_GET_HOSTNAME: .*byte string of 4294967295/ });
  await t.rejects(hostname(connection), { code: 'Internal', message: /4 bytes too many/ });
  await t.rejects(hostname(connection), { code: 'Internal', message: /reports an error that makes no sense/ });
  t.equal(await hostname(connection), 'kvm3');
});

t.test('errors keep the words of the host, and get a meaning', async (t) => {
  const errors: readonly (readonly [number, string, string])[] = [
    [42, 'Domain not found', 'NotFound'],
    [55, 'domain is not running', 'Conflict'],
    [68, 'cannot acquire state change lock', 'Busy'],
    [39, 'unknown procedure: 9999', 'Unsupported'],
    [39, 'something else', 'Internal'],
    [1, 'qemu-img: No space left on device', 'Exhausted'],
    [1, "pool 'fast' has asynchronous jobs running.", 'Busy'],
    [1, 'iscsiadm: initiator reported error (24 - iSCSI login failed due to authorization failure)', 'Denied'],
    [9_999, 'from the future', 'Internal'],
  ];
  const left = [...errors];
  const { connection } = await connectTo(t, (request, daemon) => {
    const [code, message] = left.shift() ?? [0, ''];
    fail(daemon, request, code, message);
  });
  for (const [code, message, meaning] of errors) {
    const error = await hostname(connection).catch((reason) => reason);
    t.match(error, { name: 'DriverError', code: meaning, message, cause: { name: 'LibvirtError', code } });
    t.equal(libvirtCodeOf(error), code);
  }
  t.notOk(isLibvirt(new Error('other'), 'noDomain'));
});

t.test('a password in the words of the host is not passed on', async (t) => {
  const words = 'Child process (/sbin/iscsiadm --op update --name node.session.auth.password --value hush) unexpected exit status 6';
  const { connection } = await connectTo(t, (request, daemon) => fail(daemon, request, 1, words));
  const error = await hostname(connection).catch((reason) => reason);
  t.match(error.message, /auth\.password --value \[redacted\]/);
  t.notMatch(inspect(error, { depth: 5 }), /hush/);
});

t.test('arguments that cannot be sent are Invalid, and harm nothing', async (t) => {
  const { connection } = await connectTo(t, (request, daemon) => answer(daemon, request, string, 'kvm3'));
  const args = { domain: domainByUuid('no uuid'), flags: 0 };
  await t.rejects(connection.call(domainDestroyFlags, args, slow, forever), {
    code: 'Invalid',
    message: 'DOMAIN_DESTROY_FLAGS: domain: uuid: "no uuid" given, a UUID expected',
  });
  t.equal(await hostname(connection), 'kvm3');
});

t.test('whatever a daemon sends, every call ends', async (t) => {
  const noise = fc.record({ at: fc.nat(80), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) });
  const endsSomehow = async ({ at, bytes }: { at: number; bytes: Uint8Array }) => {
    const { connection } = await connectTo(t, (request, daemon) => {
      const frame = encodeFrame({ ...request.header, type: messageTypes.reply }, encodeToBytes(string, 'a name of some length'));
      frame.set(bytes.subarray(0, Math.max(0, frame.length - at)), Math.min(at, frame.length));
      daemon.end(frame);
    });
    const outcome = await hostname(connection).then(
      (name) => typeof name,
      (error) => error.name,
    );
    assert.match(outcome, /^(string|DriverError)$/);
    await connection[Symbol.asyncDispose]();
  };
  await t.resolves(fc.assert(fc.asyncProperty(noise, endsSomehow), { numRuns: 60 }));
});

t.test('a late answer is swallowed, and frees its place', async (t) => {
  const held: (() => void)[] = [];
  const { connection } = await connectTo(t, (request, daemon) => {
    if (request.header.procedure === domainDestroyFlags.number) held.push(() => reply(daemon, request, noBytes));
    else answer(daemon, request, string, 'kvm3');
  });
  const destroy = (signal: AbortSignal) =>
    connection.call(domainDestroyFlags, { domain, flags: 0 }, { lane: 'control', key: 'a machine' }, signal);
  const impatient = new AbortController();
  const givenUp = destroy(impatient.signal);
  await until(() => held.length === 1);
  const queued = destroy(forever);
  impatient.abort(new Error('enough'));
  await t.rejects(givenUp, { code: 'TimedOut', cause: { message: 'enough' } });
  await t.rejects(queued, { code: 'Busy', message: /earlier call about a machine/ });
  await t.rejects(destroy(forever), { code: 'Busy' });
  t.equal(held.length, 1, 'nothing more was sent about this machine');

  held.pop()?.();
  t.equal(await hostname(connection), 'kvm3');
  const again = destroy(forever);
  await until(() => held.length === 1);
  held.pop()?.();
  await t.resolves(again);
});

t.test('calls about one machine are sent one after the other', async (t) => {
  const held: { readonly about: number; readonly release: () => void }[] = [];
  const { connection } = await connectTo(t, (request, daemon) =>
    held.push({ about: request.header.procedure, release: () => reply(daemon, request, noBytes) }),
  );
  const call = (procedure: typeof domainDestroyFlags, key: string) =>
    connection.call(procedure, { domain, flags: 0 }, { lane: 'slow', key }, forever);
  const calls = [
    call(domainDestroyFlags, 'a'),
    call(domainShutdownFlags, 'b'),
    call(domainDestroyFlags, 'a'),
    call(domainDestroyFlags, 'a'),
  ];
  const { number } = domainDestroyFlags;
  await until(() => held.length === 2);
  for (let left = 3; left > 0; left -= 1) {
    await until(() => held.some(({ about }) => about === number));
    await turn();
    t.equal(held.filter(({ about }) => about === number).length, 1);
    const [first] = held.splice(
      held.findIndex(({ about }) => about === number),
      1,
    );
    first?.release();
  }
  held.pop()?.release();
  await t.resolves(Promise.all(calls));
});

t.test('at most four calls are with the daemon, and the others follow in order', async (t) => {
  const held: (() => void)[] = [];
  const seen: number[] = [];
  let most = 0;
  const { connection } = await connectTo(t, (request, daemon) => {
    seen.push(request.header.serial);
    held.push(() => answer(daemon, request, string, 'kvm3'));
    most = Math.max(most, held.length);
  });
  const order: number[] = [];
  const calls = Array.from({ length: 20 }, (_, index) => hostname(connection).then(() => order.push(index)));
  for (let answered = 0; answered < calls.length; answered += 1) {
    await until(() => held.length === Math.min(4, calls.length - answered));
    held.shift()?.();
  }
  await Promise.all(calls);
  t.equal(most, 4);
  t.same(
    order,
    order.toSorted((a, b) => a - b),
  );
});

t.test('a call that waits for its turn can be given up', async (t) => {
  const { connection, daemon } = await connectTo(t, () => {});
  const hanging = Array.from({ length: 4 }, () => hostname(connection));
  for (const call of hanging) call.catch(() => {});
  const enough = new AbortController();
  const waiting = connection.call(connectGetHostname, undefined, control, enough.signal);
  await until(() => daemon.requests.filter(({ header }) => header.procedure === connectGetHostname.number).length === 4);
  enough.abort(new Error('enough'));
  await t.rejects(waiting, { code: 'TimedOut', cause: { message: 'enough' } });
});

t.test('hung calls hold up neither their own lane nor the other', async (t) => {
  const released: (() => void)[] = [];
  const { connection, daemon } = await connectTo(t, (request, socket) => {
    if (request.header.procedure === domainDestroyFlags.number) released.push(() => reply(socket, request, noBytes));
    else if (request.header.procedure === domainCreateWithFlags.number) fail(socket, request, 55, 'already running');
    else answer(socket, request, string, 'kvm3');
  });
  const hang = () => connection.call(domainDestroyFlags, { domain, flags: 0 }, slow, forever);
  const start = () => connection.call(domainCreateWithFlags, { domain, flags: 0 }, slow, forever);
  const hung = await Promise.allSettled([hang(), hang(), hang(), hang(), start()]);
  for (const { reason } of hung.slice(0, 4) as PromiseRejectedResult[])
    t.match(reason, { code: 'TimedOut', message: 'DOMAIN_DESTROY_FLAGS: no answer from the host within 0.05 s' });
  t.match(hung[4], { reason: { code: 'Conflict', message: 'already running' } }, 'one that waited behind them was answered');
  t.equal(await hostname(connection), 'kvm3');

  const [, setAside] = await openSockets(daemon, 4);
  for (const release of released) release();
  await once(setAside as Socket, 'close');
  t.equal((await openSockets(daemon, 3)).length, 3, 'the socket that was set aside is closed once its calls are answered');
});

/** Those the client has not closed, in the order they were opened; waits for so many. */
async function openSockets(daemon: Daemon, count: number): Promise<readonly Socket[]> {
  await until(() => daemon.sockets.filter(({ destroyed }) => !destroyed).length === count);
  return daemon.sockets.filter(({ destroyed }) => !destroyed);
}

t.test('a host on which everything hangs is told apart from a slow one, with a bounded number of sockets', async (t) => {
  const released: (() => void)[] = [];
  const behave: Behaviour = (request, daemon) => {
    if (request.header.procedure === domainDestroyFlags.number) released.push(() => reply(daemon, request, noBytes));
    else answer(daemon, request, string, 'kvm3');
  };
  const { connection, daemon } = await connectTo(t, behave, { maxSetAside: 2 });
  const hang = () => connection.call(domainDestroyFlags, { domain, flags: 0 }, slow, forever);
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, hang));
  const codes = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason.code);
  t.same(codes, [...Array(12).fill('TimedOut'), ...Array(18).fill('Busy')]);
  await t.rejects(hang(), { code: 'Busy', message: /slow calls fill 3 connections/ });
  t.equal(daemon.sockets.length, 4, 'events, and three for slow calls');
  t.equal(await hostname(connection), 'kvm3');

  for (const release of released.splice(0)) release();
  const untilTaken = async (): Promise<void> => {
    const outcome = hang().catch((error) => (error.code === 'Busy' ? turn().then(untilTaken) : Promise.reject(error)));
    await turn();
    released.pop()?.();
    await outcome;
  };
  await t.resolves(untilTaken(), 'the host has come round');
});

t.test('messages that are begun and never ended take no more room than one host has on all of its sockets', async (t) => {
  const { connection, daemon } = await connectTo(
    t,
    (request, socket) => {
      if (request.header.procedure !== connectGetHostname.number) return begin(socket, request, 200 << 10);
      return hostnames > 0 ? answer(socket, request, string, 'kvm1') : begin(socket, request, 4 << 20);
    },
    { roomBytes: 1 << 20 },
  );
  let hostnames = 0;
  /** An answer of 16 MiB, of which that much comes. */
  function begin(socket: Socket, { header }: Frame, bytes: number): void {
    socket.write(encodeHead({ ...header, type: messageTypes.reply }, 16 << 20));
    socket.write(Buffer.alloc(bytes));
  }
  const begun = connection.call(domainDestroyFlags, { domain, flags: 0 }, { lane: 'slow' }, forever);
  await openSockets(daemon, 2);
  await t.rejects(hostname(connection), { code: 'Unavailable', message: /more than the 1048576 bytes that one host has/ });
  hostnames += 1;
  t.equal(await hostname(connection), 'kvm1', 'what that socket had taken is there again');
  await connection[Symbol.asyncDispose]();
  await t.rejects(begun, { code: 'Unavailable' });
});

t.test('a daemon that shows no sign of life is given up on', async (t) => {
  const { connection } = await connectTo(t, () => {}, { keepalive: { intervalMs: 20, count: 2 } });
  await t.rejects(hostname(connection), { code: 'Unavailable', message: /no sign of life/ });
  await t.resolves(connection.closed);
  await t.rejects(hostname(connection), { code: 'Unavailable' });
});

t.test('a daemon that answers pings is waited for, and its own pings are answered', async (t) => {
  const ping = (procedure: number): Header => ({ program: programs.keepalive, version: 1, procedure, type: 2, serial: 0, status: 0 });
  const pings: number[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'vw-hostile-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const pongs = (daemon: Socket) => {
    const cutter = new FrameCutter();
    daemon.on('data', (chunk) => {
      for (const { header } of cutter.push(chunk)) {
        if (header.program !== programs.keepalive) continue;
        pings.push(header.procedure);
        if (header.procedure === 1) daemon.write(encodeFrame(ping(2), noBytes));
      }
    });
    return true;
  };
  const daemon = await startDaemon(t, () => {}, pongs);
  const connection = await connectLibvirt(daemon.uri, { keepalive: { intervalMs: 10, count: 2 } }, forever);
  t.teardown(() => connection[Symbol.asyncDispose]());
  await until(() => pings.filter((procedure) => procedure === 1).length > 10);
  daemon.sockets[0]?.write(encodeFrame(ping(1), noBytes));
  await until(() => pings.includes(2));
});

t.test('a lost daemon ends everything that is under way', async (t) => {
  const { connection, daemon } = await connectTo(t, (request, socket) => {
    if (request.header.procedure === connectDomainEventCallbackRegisterAny.number) answer(socket, request, int, 1);
  });
  const pending = [hostname(connection), connection.call(domainDestroyFlags, { domain, flags: 0 }, { lane: 'slow' }, forever)];
  const upload = connection.upload(storageVolUpload, range, (async function* () {})(), forever);
  await openSockets(daemon, 4);
  for (const socket of daemon.sockets) socket.destroy();
  for (const call of [...pending, upload]) await t.rejects<unknown>(call, { code: 'Unavailable' });
  await t.resolves(connection.closed);
});

t.test('a closed connection takes its sockets along', async (t) => {
  const { connection, daemon } = await connectTo(t, (request, socket) => answer(socket, request, string, 'kvm3'));
  await hostname(connection);
  await connection[Symbol.asyncDispose]();
  await connection[Symbol.asyncDispose]();
  await openSockets(daemon, 0);
  await t.rejects(hostname(connection), { code: 'Unavailable' });
  await t.rejects(connection.openStream(domainOpenConsole, { domain, flags: 0 }, forever), { code: 'Unavailable' });
});

/** Answers the registrations, then whatever is done to it. */
function eventful(request: Frame, daemon: Socket): void {
  if ([313, 316, 368].includes(request.header.procedure)) {
    if (request.body.readInt32BE() === 1) fail(daemon, request, 3, 'not supported');
    else answer(daemon, request, int, 1);
  } else reply(daemon, request, noBytes);
}

t.test('events begin with a gap, and a reader that falls behind is told so', async (t) => {
  const { connection, daemon } = await connectTo(t, eventful);
  const enough = new AbortController();
  const events = connection.events(enough.signal)[Symbol.asyncIterator]();
  t.same(await events.next(), { done: false, value: { kind: 'gap' } });
  const header: Header = { program: programs.remote, version: 1, procedure: domainEvents.reboot.number, type: 2, serial: 0, status: 0 };
  const tell = (body: Uint8Array, procedure = header.procedure) => daemon.sockets[0]?.write(encodeFrame({ ...header, procedure }, body));
  const reboot = encodeToBytes(domainEvents.reboot.body, { domain });

  tell(noBytes, 9_999);
  tell(reboot);
  t.same((await events.next()).value, { kind: 'domain', event: 'reboot', domain }, 'what nobody knows is passed over');
  tell(Buffer.from('01', 'hex'));
  t.same((await events.next()).value, { kind: 'gap' }, 'what makes no sense may have been anything');
  tell(encodeToBytes(domainEvents['device-removed'].body, { domain, alias: 'a'.repeat(100_000) }), domainEvents['device-removed'].number);
  t.same((await events.next()).value, { kind: 'gap' }, 'what is larger than any event is not kept');
  for (let count = 0; count < 5_000; count += 1) tell(reboot);
  tell(encodeToBytes(domainEvents.lifecycle.body, { domain, change: 2, detail: 0 }), domainEvents.lifecycle.number);
  daemon.sockets[0]?.write(encodeFrame({ ...header, program: programs.keepalive, procedure: 1 }, noBytes));
  await until(() => daemon.requests.some(({ header: { program, procedure } }) => program === programs.keepalive && procedure === 2));
  const kinds: string[] = [];
  while (kinds.at(-1) !== 'lifecycle') {
    const { value } = await events.next();
    kinds.push(value?.kind === 'domain' ? value.event : (value?.kind ?? 'over'));
  }
  t.equal(kinds[0], 'gap');
  t.ok(kinds.length <= 1_024, `${kinds.length} were kept`);
  enough.abort();
  t.same(await events.next(), { done: true, value: undefined });
});

t.test('events end with the connection, also when the daemon says that it lost the hypervisor', async (t) => {
  const { connection, daemon } = await connectTo(t, eventful);
  const seen: string[] = [];
  for await (const { kind } of connection.events(forever)) {
    seen.push(kind);
    const header = { program: programs.remote, version: 1, procedure: 362, type: 2, serial: 0, status: 0 };
    daemon.sockets[0]?.write(encodeFrame(header, encodeToBytes(int, 1)));
  }
  t.same(seen, ['gap']);
  await t.resolves(connection.closed);
});

/** A daemon that opens every stream and lets `next` say what comes then. */
function streaming(next: (packet: Frame, daemon: Socket) => void, opened: Behaviour = () => {}): Behaviour {
  return (request, daemon) => {
    if (request.header.type === messageTypes.stream) return next(request, daemon);
    reply(daemon, request, noBytes);
    opened(request, daemon);
  };
}

function packet(daemon: Socket, { header }: Frame, status: number, body: Uint8Array = noBytes): void {
  daemon.write(encodeFrame({ ...header, type: messageTypes.stream, status }, body));
}

async function* endless(onPull: () => void = () => {}): AsyncGenerator<Uint8Array> {
  for (;;) {
    onPull();
    yield Buffer.alloc(100_000);
    await turn();
  }
}

t.test('an upload fails with the host, even while its source hangs', async (t) => {
  let ended = false;
  async function* hanging() {
    try {
      yield Buffer.from('some');
      await new Promise(() => {});
    } finally {
      ended = true;
    }
  }
  const refuse = (request: Frame, daemon: Socket) => fail(daemon, request, 38, 'disk on fire', { type: messageTypes.stream });
  const { connection } = await connectTo(t, streaming(refuse));
  await t.rejects(connection.upload(storageVolUpload, range, hanging(), forever), { code: 'Internal', message: 'disk on fire' });
  await t.rejects(connection.upload(storageVolUpload, range, endless(), forever), { code: 'Internal', message: 'disk on fire' });
  t.notOk(ended, 'a source that hangs is not waited for');
});

t.test('an upload resolves only once the host has confirmed it', async (t) => {
  let confirm: (() => void) | undefined;
  const { connection } = await connectTo(
    t,
    streaming((request, daemon) => {
      if (request.header.status === messageStatus.ok) confirm = () => packet(daemon, request, messageStatus.ok);
    }),
  );
  let resolved = false;
  async function* content() {
    yield Buffer.from('some');
  }
  const upload = connection.upload(storageVolUpload, range, content(), forever).then(() => {
    resolved = true;
  });
  await until(() => confirm !== undefined);
  await turn();
  t.notOk(resolved);
  confirm?.();
  await t.resolves(upload);
});

t.test('an upload goes no faster than the host takes it, and an aborted one says so to the host', async (t) => {
  let pulls = 0;
  let aborted = false;
  let stopped: Socket | undefined;
  const { connection } = await connectTo(
    t,
    streaming(
      (request, daemon) => {
        if (request.header.status === messageStatus.error) {
          aborted = true;
          packet(daemon, request, messageStatus.ok);
        }
      },
      (_, daemon) => {
        stopped = daemon.pause();
      },
    ),
  );
  const enough = new AbortController();
  const content = endless(() => {
    pulls += 1;
  });
  const upload = connection.upload(storageVolUpload, range, content, enough.signal);
  upload.catch(() => {});
  let before = -1;
  while (before !== pulls || stopped === undefined || pulls === 0) {
    before = pulls;
    for (let idle = 0; idle < 1_000; idle += 1) await turn();
  }
  t.ok(pulls < 50, `${pulls} pieces were taken while the host read none`);
  enough.abort(new Error('enough'));
  stopped.resume();
  await t.rejects(upload, { code: 'TimedOut', cause: { message: 'enough' } });
  t.ok(aborted);
});

t.test('a source that fails aborts the upload', async (t) => {
  let aborted = false;
  const { connection } = await connectTo(
    t,
    streaming((request, daemon) => {
      aborted ||= request.header.status === messageStatus.error;
      if (aborted) packet(daemon, request, messageStatus.ok);
    }),
  );
  async function* failing() {
    yield Buffer.from('some');
    throw new Error('no more');
  }
  await t.rejects(connection.upload(storageVolUpload, range, failing(), forever), { message: 'no more' });
  t.ok(aborted);
});

t.test('a download reads no faster than it is asked, and what arrived is read before an error', async (t) => {
  let sent = 0;
  const flood = async (request: Frame, daemon: Socket) => {
    for (; sent < 400 && !daemon.writableNeedDrain; sent += 1) packet(daemon, request, messageStatus.continue, Buffer.alloc(50_000));
    if (sent < 400) daemon.once('drain', () => flood(request, daemon));
    else fail(daemon, request, 38, 'disk on fire', { type: messageTypes.stream });
  };
  const { connection } = await connectTo(
    t,
    streaming(() => {}, flood),
  );
  const download = connection.download(storageVolDownload, range, forever)[Symbol.asyncIterator]();
  let received = (await download.next()).value?.length ?? 0;
  let before = -1;
  while (before !== sent) {
    before = sent;
    for (let idle = 0; idle < 1_000; idle += 1) await turn();
  }
  t.ok(sent < 100, `${sent} packets were sent while one was read`);
  const rest = async () => {
    for (let next = await download.next(); !next.done; next = await download.next()) received += next.value.length;
  };
  await t.rejects(rest(), { message: 'disk on fire' });
  t.equal(received, 400 * 50_000);
});

t.test('a stream that breaks the protocol fails', async (t) => {
  const breaches: readonly (readonly [Behaviour, RegExp])[] = [
    [(request, daemon) => packet(daemon, request, messageStatus.ok), /confirmed to be at its end, which was not asked/],
    [(request, daemon) => reply(daemon, request, noBytes, { type: messageTypes.streamHole }), /a hole in a stream/],
    [(request, daemon) => reply(daemon, request, noBytes, { type: messageTypes.stream, serial: 99 }), /stream 99, which was not opened/],
  ];
  for (const [breach, message] of breaches) {
    const { connection } = await connectTo(
      t,
      streaming(() => {}, breach),
    );
    const download = connection.download(storageVolDownload, range, forever)[Symbol.asyncIterator]();
    await t.rejects(download.next(), { code: 'Unavailable', message });
  }
});

t.test('a console goes both ways until either side ends it', async (t) => {
  const echo = (request: Frame, daemon: Socket) => packet(daemon, request, request.header.status, request.body);
  const { connection, daemon } = await connectTo(t, streaming(echo));
  const stream = await connection.openStream(domainOpenConsole, { domain, flags: 0 }, forever);
  const output = stream.output[Symbol.asyncIterator]();
  await stream.write(Buffer.from('hello'), forever);
  t.equal((await output.next()).value?.toString(), 'hello');
  await stream.finish(forever);
  t.same(await output.next(), { done: true, value: undefined });
  await stream[Symbol.asyncDispose]();
  await openSockets(daemon, 1);

  const ended = new AbortController();
  await using another = await connection.openStream(domainOpenConsole, { domain, flags: 0 }, ended.signal);
  const reading = another.output[Symbol.asyncIterator]().next();
  ended.abort(new Error('enough'));
  await t.rejects(reading, { code: 'TimedOut', cause: { message: 'enough' } });
  await t.rejects(another.write(Buffer.from('x'), forever), { code: 'TimedOut', cause: { message: 'enough' } });
});
