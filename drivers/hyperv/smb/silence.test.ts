import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { DriverError } from '#drivers/error.js';
import { soon } from '#test/peers/samba-share.js';
import { Connection } from './connection.js';
import { encodeFrame, FrameCutter } from './frame.js';
import { commands, flagsAt, headerFlags } from './header.js';
import { statuses } from './status.js';

const question = { command: commands.flush, body: Buffer.alloc(24) };

/** A server without a login that is asked by us: each question is given to `answer`. */
async function asking(t: Test, patienceMs: number, answer: (question: Buffer, socket: Socket) => void): Promise<Connection> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    const cutter = new FrameCutter();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const packet of cutter.push(chunk)) answer(packet, socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connection = new Connection(createConnection({ host: '127.0.0.1', port }), patienceMs);
  t.teardown(() => {
    connection.end(new DriverError('Unavailable', 'the test is over'));
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return connection;
}

/** With ten credits, where nothing else is said, so that more can be asked. */
function answerOf(question: Buffer, status: number, flags = 0, credits = 10): Buffer {
  const answer = Buffer.concat([question.subarray(0, 64), Buffer.from('0400000000000000', 'hex')]);
  answer.writeUInt32LE(status, 8);
  answer.writeUInt16LE(credits, 14);
  answer.writeUInt32LE(headerFlags.response | flags, flagsAt);
  return encodeFrame(answer);
}

t.test('a server that falls silent ends the connection, and all that is asked by it', async (t) => {
  let asked = 0;
  const connection = await asking(t, 500, (packet, socket) => {
    asked += 1;
    if (asked === 1) socket.write(answerOf(packet, statuses.success));
  });
  await connection.ask(question, soon());
  const silent = { code: 'Unavailable', message: /owes an answer, and has said nothing for 0\.5 s: it hangs/ } as const;
  await Promise.all([1, 2].map(() => t.rejects(connection.ask(question, soon()), silent)));
  t.ok(connection.isOver);
  await t.rejects(connection.ask(question, soon()), silent);
  t.equal(asked, 4, 'and it was asked once whether it is there');
});

t.test('who owes nothing may be silent', async (t) => {
  const asked: number[] = [];
  const connection = await asking(t, 500, (packet, socket) => {
    asked.push(packet.readUInt16LE(12));
    socket.write(answerOf(packet, statuses.success));
  });
  await connection.ask(question, soon());
  await sleep(1200);
  t.match(await connection.ask(question, soon()), { header: { status: statuses.success } });
  t.same(asked, [commands.flush, commands.flush], 'and is not asked whether it is there');
});

for (const isPutOff of [true, false]) {
  t.test(`what is ${isPutOff ? '' : 'not '}said to be put off is waited for as long as the server says that it is there`, async (t) => {
    let flush: Buffer | undefined;
    let echoes = 0;
    let greeted = false;
    const connection = await asking(t, 500, (packet, socket) => {
      if (!greeted) {
        greeted = true;
        socket.write(answerOf(packet, statuses.success));
        return;
      }
      if (packet.readUInt16LE(12) === commands.flush) {
        flush = packet;
        if (isPutOff) socket.write(answerOf(packet, statuses.pending, headerFlags.async));
        return;
      }
      t.equal(packet.readUInt16LE(12), commands.echo);
      echoes += 1;
      socket.write(answerOf(packet, statuses.success));
      if (echoes === 3 && flush !== undefined) socket.write(answerOf(flush, statuses.success));
    });
    await connection.ask(question, soon());
    t.match(await connection.ask(question, soon()), { header: { status: statuses.success } });
    t.equal(echoes, 3);
  });
}

for (const [credits, expected] of [
  [10, 1],
  [0, 0],
] as const)
  t.test(`what was put off by a server that is gone, and has given ${credits} credits, is not`, async (t) => {
    let echoes = 0;
    const connection = await asking(t, 500, (packet, socket) => {
      if (packet.readUInt16LE(12) !== commands.flush) echoes += 1;
      else socket.write(answerOf(packet, statuses.pending, headerFlags.async, credits));
    });
    await t.rejects(connection.ask(question, soon()), { code: 'Unavailable', message: /said nothing/ });
    t.equal(echoes, expected);
  });
