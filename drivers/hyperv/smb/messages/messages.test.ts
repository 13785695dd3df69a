import fc from 'fast-check';
import t from 'tap';
import * as windows from '#test/golden/hyperv/smb.js';
import { u16, u32, u64, utf16, View } from '../bytes.js';
import { encodeFrame, FrameCutter, maxMessageBytes } from '../frame.js';
import { commands, decodeHeader, encodeHeader } from '../header.js';
import { codeIn, decodeAnswer } from '../spnego.js';
import { statuses } from '../status.js';
import { decodeCreate, decodeRead, decodeWrite } from './file.js';
import { decodeQueryDirectory, decodeQuerySpace } from './info.js';
import { decodeNegotiate, encodeNegotiate, encodeValidation, isSame } from './negotiate.js';
import { decodeSessionSetup } from './session.js';

t.test('what Windows 10 agreed on is read', async (t) => {
  t.match(decodeNegotiate(windows.negotiated), {
    dialect: '3.1.1',
    capabilities: 0x2f,
    maxRead: 8 << 20,
    maxWrite: 8 << 20,
    signing: 1,
    cipher: { name: 'aes-128-gcm' },
  });
});

t.test('the login of Windows is read', async (t) => {
  t.match(decodeHeader(windows.challenge), { status: statuses.moreProcessing, command: commands.sessionSetup, sessionId: 0x100000000019n });
  const { token } = decodeSessionSetup(windows.challenge);
  t.equal(decodeAnswer(token).subarray(0, 8).toString('latin1'), 'NTLMSSP\0');
  t.equal(decodeAnswer(token).readUInt32LE(8), 2);
  const last = decodeSessionSetup(windows.lastAnswer);
  t.equal(last.isGuest, false);
  t.equal(codeIn(last.token)?.toString('hex'), '010000003b453cdc3524164200000000');
  t.throws(() => decodeAnswer(last.token), { code: 'Denied', message: /takes no NTLM/ }, 'an answer that does not go on');
});

t.test('what Windows read and wrote is read', async (t) => {
  t.equal(decodeWrite(windows.writeAnswer, 23), 23);
  t.equal(decodeRead(windows.readAnswer, 23).toString('latin1'), 'Smb3 encryption testing');
  t.throws(() => decodeRead(windows.readAnswer, 22), { code: 'Internal', message: /23 bytes read, where 22 were asked for/ });
  t.throws(() => decodeWrite(windows.writeAnswer, 22), { code: 'Internal', message: /23 bytes written of 22/ });
  t.throws(() => decodeRead(windows.readAnswer.subarray(0, 90), 23), { code: 'Internal', message: /23 are said to be at 80/ });
});

t.test('an answer cut off anywhere is refused', async (t) => {
  for (let length = 0; length < windows.negotiated.length; length += 1)
    t.throws(() => decodeNegotiate(windows.negotiated.subarray(0, length)), { name: 'DriverError', code: 'Internal' }, `${length} bytes`);
});

/** Windows' answer with other bytes at one place. */
function changed(at: number, bytes: Buffer): Buffer {
  const packet = Buffer.from(windows.negotiated);
  bytes.copy(packet, at);
  return packet;
}

t.test('what was not offered is not agreed on', async (t) => {
  t.throws(() => decodeNegotiate(changed(68, u16(0x202))), { message: /dialect 0x202 chosen; offered: 2\.1, 3\.0, 3\.0\.2, 3\.1\.1/ });
  t.throws(() => decodeNegotiate(changed(68, u16(0x2ff))), { message: /dialect 0x2ff chosen/ });
  t.throws(() => decodeNegotiate(changed(96, u32(4096))), { message: /MaxReadSize 4096 given, at least 65536 expected/ });
  const cipherAt = windows.negotiated.length - 2;
  t.throws(() => decodeNegotiate(changed(cipherAt, u16(9))), { message: /cipher 9 chosen; offered: 2, 1, 4, 3/ });
  t.equal(decodeNegotiate(changed(cipherAt, u16(0))).cipher, undefined, 'none of ours');
  t.throws(() => decodeNegotiate(changed(70, u16(0))), { message: /without SHA-512/ });
});

t.test('what was agreed on is known again, and a change of it as well', async (t) => {
  const then = decodeNegotiate(windows.negotiated);
  const answer = Buffer.concat([u32(0x2f), then.serverGuid, u16(1, 0x311)]);
  t.ok(isSame(answer, then));
  for (const at of [0, 5, 20, 22]) {
    const other = Buffer.from(answer);
    other[at] = (other[at] ?? 0) ^ 1;
    t.notOk(isSame(other, then), `byte ${at}`);
  }
});

t.test('what we offer is where SMB says, and is told alike when it is asked again', async (t) => {
  const [guid, salt] = [Buffer.alloc(16, 5), Buffer.alloc(32, 6)];
  const packet = new View('ours', Buffer.concat([Buffer.alloc(64), encodeNegotiate(guid, salt)]));
  t.equal(packet.u16(66), 4);
  t.equal(packet.u16(68), 2, 'signing required');
  t.equal(packet.u32(92) % 8, 0);
  t.equal(packet.u16(packet.u32(92)), 1, 'the first context begins there');
  t.same(packet.slice(packet.u32(92) + 14, 32), salt);
  const validation = encodeValidation(guid);
  t.same(validation.subarray(0, 20), packet.slice(72, 20));
  t.same(validation.subarray(24), packet.slice(100, 8));
});

t.test('frames are cut the same however they come, and hold no more than twice what came', async () =>
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), fc.integer({ min: 1, max: 90 }), (messages, size) => {
      const bytes = Buffer.concat(messages.map((message) => encodeFrame(Buffer.from(message))));
      const cutter = new FrameCutter();
      const cut: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        cut.push(...cutter.push(bytes.subarray(at, at + size)));
        if (cutter.room > Math.max(8, 2 * (at + size))) return false;
      }
      return cut.length === messages.length && cut.every((each, at) => each.equals(messages[at] ?? Buffer.alloc(1)));
    }),
  ),
);

t.test('a frame larger than any is refused when it is announced', async (t) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(maxMessageBytes + 1);
  t.throws(() => [...new FrameCutter().push(head)], { code: 'Internal', message: /2097153 bytes announced/ });
  head.writeUInt32BE(0x8100_0000);
  t.throws(() => [...new FrameCutter().push(head)], { message: /kind 129/ });
});

t.test('a message that is no answer of SMB 2 is refused', async (t) => {
  const header = encodeHeader({ command: 8, charge: 1, credits: 1, messageId: 5, treeId: 1, sessionId: 9n });
  const put = (at: number, bytes: Buffer) => {
    const packet = Buffer.from(windows.readAnswer);
    bytes.copy(packet, at);
    return packet;
  };
  t.throws(() => decodeHeader(header), { message: /a request given/ });
  t.throws(() => decodeHeader(put(0, Buffer.from([0xff]))), { code: 'Unsupported', message: /speaks SMB 1 alone/ });
  t.throws(() => decodeHeader(put(0, Buffer.from([0]))), { message: /does not begin/ });
  t.throws(() => decodeHeader(put(4, u16(60))), { message: /a header of 60 bytes/ });
  t.throws(() => decodeHeader(put(20, u32(8))), { message: /several answers/ });
  t.throws(() => decodeHeader(windows.readAnswer.subarray(0, 63)), { code: 'Internal' });
});

/** An answer with this as what it lists. */
const listing = (output: Buffer): Buffer => Buffer.concat([Buffer.alloc(64), u16(9, 72), u32(output.length), output]);

function entry(name: string, next: number, size: bigint, attributes: number): Buffer {
  const text = utf16(name);
  const times = Buffer.concat([u64(0), u64(0), u64(116_444_736_000_000_000n + 10_000n * 1000n), u64(0)]);
  return Buffer.concat([u32(next, 0), times, u64(size), u64(size), u32(attributes, text.length), text]);
}

t.test('a folder is read entry by entry', async (t) => {
  const first = entry('.', 72, 0n, 0x10);
  const second = entry('größe', 0, 5n, 0x20);
  const packet = listing(Buffer.concat([first, Buffer.alloc(72 - first.length), second]));
  t.same(decodeQueryDirectory(packet), [{ name: 'größe', size: 5, folder: false, modified: new Date(1000) }]);
  for (const name of ['a\\b', '..\\b', 'a/b', '', 'a\0'])
    t.throws(() => decodeQueryDirectory(listing(entry(name, 0, 0n, 0))), { message: /empty, or is a path/ }, JSON.stringify(name));
  t.throws(() => decodeQueryDirectory(listing(entry('a', 8, 0n, 0))), { message: /has 8 bytes, 64 at least/ });
  t.throws(() => decodeQueryDirectory(listing(entry('a', 0, 2n ** 60n, 0))), { message: /more than any file has/ });
  t.throws(() => decodeQueryDirectory(listing(Buffer.alloc(0))), { code: 'Internal' });
});

t.test('room is told in bytes', async (t) => {
  const space = (total: bigint, free: bigint) => listing(Buffer.concat([u64(total), u64(free), u64(free), u32(8, 512)]));
  t.same(decodeQuerySpace(space(100n, 40n)), { total: 409_600, free: 163_840 });
  t.throws(() => decodeQuerySpace(space(1n, 2n)), { message: /8192 bytes of 4096 are free/ });
  t.throws(() => decodeQuerySpace(space(2n ** 60n, 2n)), { code: 'Internal' });
});

t.test('a file larger than we can reckon is refused', async (t) => {
  const packet = Buffer.alloc(152);
  packet.writeBigUInt64LE(2n ** 60n, 112);
  t.throws(() => decodeCreate(packet), { code: 'Internal', message: /more than any file has/ });
});
