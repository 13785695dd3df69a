import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DriverError } from '#drivers/error.js';
import { until } from '#test/cluster/until.js';
import { administrator, served, soon } from '#test/peers/samba-share.js';
import { type Change, startSmbProxy } from '#test/servers/smb-proxy.js';
import { padded, u16, u32, utf16, zeros } from './bytes.js';
import { SmbClient } from './client.js';
import { Connection } from './connection.js';
import type { SmbFile } from './file.js';
import { encodeFrame, FrameCutter } from './frame.js';
import { commands, flagsAt, headerFlags, messageIdAt } from './header.js';
import { capabilities } from './messages/negotiate.js';
import { isSealed } from './protection/sealing.js';
import { signings } from './protection/signing.js';
import { ShareOfTree } from './share.js';
import { statuses } from './status.js';
import { Tree } from './tree.js';

/** A server with these lines, and somebody between it and us who changes what it says. */
async function between(t: Test, lines: readonly string[]) {
  const server = await served(t, lines);
  const proxy = await startSmbProxy(server.samba.port);
  t.teardown(() => proxy[Symbol.asyncDispose]());
  return { ...server, proxy, connect: () => server.connect({}, proxy.port) };
}

const commandOf = (packet: Buffer): number => (isSealed(packet) ? -1 : packet.readUInt16LE(12));

/** Of the answers to that command, one byte is another. */
const flip =
  (command: number, at: number, bits = 1): Change =>
  (packet) => {
    if (commandOf(packet) !== command) return packet;
    const changed = Buffer.from(packet);
    const place = at < 0 ? packet.length + at : at;
    changed[place] = (changed[place] ?? 0) ^ bits;
    return changed;
  };

const somebody = { code: 'Denied', message: /somebody changed it on its way|was not sealed/ };

t.test('who takes away the cipher of 3.1.1 is noticed at the login', async (t) => {
  const { proxy, connect } = await between(t, []);
  // Signing of another kind, no cipher, another dialect's capabilities: the keys are made of each byte.
  for (const at of [88, 72, -1]) {
    proxy.onAnswer = flip(commands.negotiate, at, at === 88 ? 0x40 : 1);
    await t.rejects(connect(), { name: 'DriverError' }, `byte ${at}`);
  }
  proxy.onAnswer = (packet) => packet;
  t.ok(await connect());
});

t.test('who changes what we offer is noticed at the login', async (t) => {
  const { proxy, connect } = await between(t, []);
  proxy.onQuestion = flip(commands.negotiate, 76);
  await t.rejects(connect(), somebody);
});

t.test('who says that a server of 3.0.2 does not encrypt is noticed before a share is had', async (t) => {
  const { proxy, connect } = await between(t, ['server max protocol = SMB3_02']);
  proxy.onAnswer = flip(commands.negotiate, 88, 0x40);
  const client = await connect();
  t.equal(client.agreed.cipher, undefined, 'for a while it is believed');
  await t.rejects(client.share('c$', soon()), { code: 'Denied', message: /somebody wants a weaker protocol/ });
  await t.rejects(client.share('c$', soon()), { code: 'Denied' }, 'and nothing goes by that session any more');
});

t.test('who makes us speak 2.1 to a server of 3.0.2 is noticed before a share is had', async (t) => {
  const { proxy, connect } = await between(t, ['server max protocol = SMB3_02', 'server smb encrypt = off']);
  const dialect: Change = (packet) => {
    if (commandOf(packet) !== commands.negotiate) return packet;
    const changed = Buffer.from(packet);
    changed.writeUInt16LE(0x210, 100);
    changed.writeUInt16LE(0x210, 102);
    changed.writeUInt16LE(0x210, 104);
    changed.writeUInt16LE(0x210, 106);
    return changed;
  };
  proxy.onQuestion = dialect;
  const client = await connect();
  t.equal(client.agreed.dialect, '2.1');
  await t.rejects(client.share('c$', soon()), { name: 'DriverError', code: /Denied|Unavailable/ });
});

for (const lines of [
  ['server max protocol = SMB2_10'],
  ['server smb encrypt = off'],
  ['server max protocol = SMB3_02', 'server smb encrypt = off'],
])
  t.test(`who changes an answer of a signed session is noticed, of a server with ${lines.join('; ')}`, async (t) => {
    const { proxy, connect, folder } = await between(t, lines);
    const share = await (await connect()).share('c$', soon());
    const file = await share.create('a', soon());
    await file.write(0, Buffer.from('some text'), soon());
    proxy.onAnswer = flip(commands.read, -1);
    await t.rejects(file.read(0, 9, soon()), { code: 'Denied', message: /does not bear the signature of this session/ });
    await t.rejects(file.read(0, 9, soon()), { code: 'Denied' }, 'nor is it spoken to any more');
    t.equal(await readFile(join(folder, 'a'), 'utf8'), 'some text');
  });

t.test('who takes the signature off an answer is noticed', async (t) => {
  const { proxy, connect } = await between(t, ['server smb encrypt = off']);
  const share = await (await connect()).share('c$', soon());
  proxy.onAnswer = flip(commands.create, 16, headerFlags.signed);
  await t.rejects(share.list('', soon()), { code: 'Denied', message: /signature/ });
});

t.test('of a sealed session nothing is seen, and no changed byte is taken', async (t) => {
  const { proxy, connect } = await between(t, []);
  const client = await connect();
  const seen: Buffer[] = [];
  const note: Change = (packet) => {
    seen.push(packet);
    return packet;
  };
  proxy.onQuestion = note;
  proxy.onAnswer = note;
  const share = await client.share('c$', soon());
  const secret = Buffer.from('the secret of the seed');
  const file = await share.create('a', soon());
  await file.write(0, secret, soon());
  await file.read(0, 22, soon());
  t.ok(seen.length >= 8 && seen.every(isSealed), `${seen.length} messages`);
  t.notOk(Buffer.concat(seen).includes(secret));
  proxy.onAnswer = (packet) => flip(-1, -1)(packet);
  await t.rejects(file.read(0, 22, soon()), { code: 'Denied', message: /not sealed with the keys/ });
});

t.test('what nobody waits for any more is called off at the server', async (t) => {
  const { proxy, connect } = await between(t, ['server smb encrypt = off']);
  const share = await (await connect()).share('c$', soon());
  const asked: string[] = [];
  const giveUp = new AbortController();
  proxy.onQuestion = (packet) => {
    asked.push(`${commandOf(packet)} of ${packet.readBigUInt64LE(messageIdAt)}`);
    giveUp.abort();
    return 'lost';
  };
  await t.rejects(share.create('a', giveUp.signal), { code: 'TimedOut' });
  await until(() => asked.length === 2);
  const number = /of (\d+)/.exec(asked[0] ?? '')?.[1];
  t.same(asked, [`${commands.create} of ${number}`, `${commands.cancel} of ${number}`]);
});

/** That the server has put the question off, as it says before it answers: with a number for that, and unsigned. */
function putOff(answer: Buffer): Buffer {
  const interim = Buffer.concat([answer.subarray(0, 64), Buffer.from('0900000000000000', 'hex')]);
  interim.writeUInt32LE(statuses.pending, 8);
  interim.writeUInt32LE(headerFlags.response | headerFlags.async, flagsAt);
  interim.writeBigUInt64LE(77n, 32);
  return interim.fill(0, 48, 64);
}

t.test('what a server puts off is waited for, and called off by the number that it gave', async (t) => {
  const { proxy, connect } = await between(t, ['server smb encrypt = off']);
  const share = await (await connect()).share('c$', soon());
  proxy.onAnswer = (packet) => [putOff(packet), packet];
  const file = await share.create('a', soon());
  await file.write(0, Buffer.from('text'), soon());
  t.equal((await file.read(0, 4, soon())).toString(), 'text');
  let isPutOff = false;
  const cancelled: bigint[] = [];
  proxy.onAnswer = (packet) => {
    isPutOff = true;
    return putOff(packet);
  };
  proxy.onQuestion = (packet) => {
    if (commandOf(packet) === commands.cancel) cancelled.push(packet.readBigUInt64LE(32));
    return packet;
  };
  const giveUp = new AbortController();
  const reading = file.read(0, 4, giveUp.signal);
  reading.catch(() => {});
  await until(() => isPutOff);
  // Any later answer comes behind that one, so that it has been read.
  proxy.onAnswer = (packet) => packet;
  await share.list('', soon());
  giveUp.abort();
  await t.rejects(reading, { code: 'TimedOut' });
  await until(() => cancelled.length === 1);
  t.same(cancelled, [77n]);
});

t.test('an answer that comes twice ends the session', async (t) => {
  const { proxy, connect } = await between(t, []);
  const share = await (await connect()).share('c$', soon());
  let last: Buffer | undefined;
  proxy.onAnswer = (packet) => {
    const twice = last ?? packet;
    last = packet;
    return twice;
  };
  await t.rejects(
    (async () => {
      for (;;) await share.list('', soon());
    })(),
    { code: 'Internal', message: /which was not asked/ },
  );
});

/** Whoever connects is treated so. */
async function listening(t: Test, treat: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    treat(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const connectTo = (port: number, signal = soon()) => SmbClient.connect({ host: '127.0.0.1', port }, administrator, signal);

t.test('a server of SMB 1 alone, and what is none at all, is told', async (t) => {
  const elder = await listening(t, (socket) =>
    socket.write(encodeFrame(Buffer.concat([Buffer.from('ff534d4272', 'hex'), Buffer.alloc(30)]))),
  );
  await t.rejects(connectTo(elder), { code: 'Unsupported', message: /:\d+: the file server speaks SMB 1 alone: turn SMB 2 on there/ });
  const closing = await listening(t, (socket) => socket.destroy());
  await t.rejects(connectTo(closing), {
    code: 'Unavailable',
    message: /before it said what it speaks; if that is SMB 1 alone, turn SMB 2 on/,
  });
  const web = await listening(t, (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await t.rejects(connectTo(web), { code: 'Internal', message: /a message of kind 72/ });
});

t.test('who says nothing is given up when the signal ends', async (t) => {
  const silent = await listening(t, () => giveUp.abort(new Error('enough')));
  const giveUp = new AbortController();
  await t.rejects(connectTo(silent, giveUp.signal), { code: 'TimedOut', message: /given up/ });
});

t.test('a server of 2.0.2 alone is told', async (t) => {
  const { connect } = await served(t, ['server min protocol = SMB2_02', 'server max protocol = SMB2_02']);
  await t.rejects(connect(), { code: 'Unsupported', message: /neither SMB 2\.1 nor 3: turn SMB 2 on there/ });
});

/** An entry of a folder, as MS-FSCC 2.4.10 has it. */
const entry = (name: string, isLast: boolean): Buffer => {
  const text = utf16(name);
  const bytes = padded(Buffer.concat([zeros(60), u32(text.length), text]));
  bytes.writeUInt32LE(isLast ? 0 : bytes.length, 0);
  return bytes;
};

/** A share of a server without a login, which answers each question with this, and as many credits as were asked for or these. */
async function answering(t: Test, bodyFor: (command: number) => Buffer, most: number, credits?: number) {
  const port = await listening(t, (socket) => {
    const cutter = new FrameCutter();
    socket.on('data', (chunk: Buffer) => {
      for (const question of cutter.push(chunk)) {
        const answer = Buffer.concat([question.subarray(0, 64), bodyFor(commandOf(question))]);
        answer.writeUInt16LE(credits ?? answer.readUInt16LE(14), 14);
        answer.writeUInt32LE(headerFlags.response, flagsAt);
        socket.write(encodeFrame(answer));
      }
    });
  });
  const connection = new Connection(createConnection({ host: '127.0.0.1', port }));
  t.teardown(() => connection.end(new DriverError('Unavailable', 'the test is over')));
  const limits = { maxTransact: most, maxRead: most, maxWrite: most };
  const plain = { dialect: '2.1', capabilities: capabilities.largeMtu, securityMode: 0, signing: signings.hmacSha256 } as const;
  const agreed = { ...limits, ...plain, serverGuid: zeros(16), clientGuid: zeros(16) };
  return { connection, share: new ShareOfTree(new Tree(connection, agreed, 1, 'c$')) };
}

/** One that says of each folder that these are in it, whenever it is asked. */
async function listing(t: Test, names: readonly string[]) {
  const found = Buffer.concat(names.map((name, index) => entry(name, index === names.length - 1)));
  const body = Buffer.concat([u16(9, 72), u32(found.length), found]);
  return (await answering(t, (command) => (command === commands.queryDirectory ? body : zeros(88)), 65_536)).share;
}

t.test('a list that never ends is given up, whether nothing is on it or the same again and again', async (t) => {
  await t.rejects((await listing(t, ['.', '..'])).list('', soon()), { code: 'Internal', message: /goes on, and nothing is on it/ });
  await t.rejects((await listing(t, ['.', '..', ...Array(5_000).fill('a')])).list('', soon()), {
    code: 'Exhausted',
    message: /more than 100000 files/,
  });
});

t.test('a server that grants no credit more is given up, whatever was to be read or written', async (t) => {
  const read = (file: SmbFile) => file.read(0, 4096, soon());
  for (const act of [read, (file: SmbFile) => file.write(0, zeros(4096), soon())]) {
    const { share, connection } = await answering(t, () => zeros(88), 8 * 2 ** 20, 0);
    const file = await share.open('a', 'write', soon());
    await t.rejects(async () => void (await act(file)), { code: 'Unavailable', message: /grants 0 credits where 1 are needed/ });
    t.ok(connection.isOver, 'who asks next connects anew');
  }
});
