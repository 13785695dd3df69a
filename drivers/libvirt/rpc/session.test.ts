import { PassThrough } from 'node:stream';
import t from 'tap';
import { maxMessageBytes } from './frame.js';
import { idempotent } from './procedure.js';
import { Session } from './session.js';
import { nothing, opaque } from './xdr.js';

t.test('a question too long to be sent is Invalid, and no answer to it is waited for', async (t) => {
  const socket = new PassThrough();
  await using session = new Session(socket, 'test');
  const procedure = idempotent('too long', 1, opaque(2 * maxMessageBytes), nothing);
  await t.rejects(session.call(procedure, Buffer.alloc(maxMessageBytes)), { code: 'Invalid', message: /at most 33554432 accepted/ });
  t.equal(session.outstanding, 0);
  t.equal(socket.readableLength, 0);
});
