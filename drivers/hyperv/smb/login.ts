import { randomBytes } from 'node:crypto';
import { DriverError } from '#drivers/error.js';
import { NtlmClient, type SecurityContext } from '../ntlm/client.js';
import { refusal } from '../refusal.js';
import type { Answer, Connection } from './connection.js';
import { commands, type ResponseHeader, turnOn } from './header.js';
import { decodeNegotiate, encodeNegotiate, type Negotiated } from './messages/negotiate.js';
import { decodeSessionSetup, encodeSessionSetup } from './messages/session.js';
import { Preauth, type SessionKeys, sessionKeys } from './protection/keys.js';
import { Sealer } from './protection/sealing.js';
import { sealedBy, signedBy } from './protection/session.js';
import { Signer } from './protection/signing.js';
import { codeIn, decodeAnswer, encodeFirst, encodeNext, mechanisms } from './spnego.js';
import { loginError, statusError, statuses } from './status.js';

export interface SmbLogin {
  /** Empty for an account of the host itself. */
  readonly domain: string;
  readonly username: string;
  readonly password: string;
}

/** What was agreed on, and who said so. */
export interface Agreed extends Negotiated {
  readonly clientGuid: Buffer;
}

/** Agrees on what is spoken, and logs in: from then on everything is sealed where the server can, and signed where not. */
export async function logIn(connection: Connection, login: SmbLogin, signal: AbortSignal): Promise<Agreed> {
  const preauth = new Preauth();
  const clientGuid = randomBytes(16);
  const agreed = { ...(await negotiate(connection, clientGuid, preauth, signal)), clientGuid };
  const ntlm = new NtlmClient(login);
  const first = await setUp(connection, encodeFirst(ntlm.first), signal);
  if (first.header.status !== statuses.moreProcessing) throw loginFailed(first.header);
  connection.sessionId = first.header.sessionId;
  preauth.add(first.asked);
  preauth.add(first.packet);
  const { message, context, sessionKey } = ntlm.answer(decodeAnswer(decodeSessionSetup(first.packet).token));
  const last = await setUp(connection, encodeNext(message, context.outgoing.sign(mechanisms)), signal);
  preauth.add(last.asked);
  secure(connection, agreed, sessionKey, preauth, checkedLast(last));
  checkCode(last, context);
  return agreed;
}

async function negotiate(connection: Connection, clientGuid: Buffer, preauth: Preauth, signal: AbortSignal): Promise<Negotiated> {
  const body = encodeNegotiate(clientGuid, randomBytes(32));
  const answer = await connection.ask({ command: commands.negotiate, body }, signal).catch((reason) => {
    throw reason instanceof DriverError && reason.code === 'Unavailable' ? silent(reason) : reason;
  });
  const { status } = answer.header;
  if (status === 0xc00000bb) throw new DriverError('Unsupported', `the file server speaks neither SMB 2.1 nor 3: ${turnOn}`);
  if (status !== statuses.success) throw statusError('what is spoken', status);
  preauth.add(answer.asked);
  preauth.add(answer.packet);
  return decodeNegotiate(answer.packet);
}

/** One that speaks SMB 1 alone says nothing to what it does not know. */
const silent = (cause: DriverError): DriverError =>
  new DriverError('Unavailable', `${cause.message}, before it said what it speaks; if that is SMB 1 alone, ${turnOn}`, { cause });

const setUp = (connection: Connection, token: Buffer, signal: AbortSignal): Promise<Answer> =>
  connection.ask({ command: commands.sessionSetup, body: encodeSessionSetup(token) }, signal);

function loginFailed({ status }: ResponseHeader): DriverError {
  if (status !== statuses.success) return loginError(status);
  return refusal('the file server lets in whoever comes, without looking at who it is: turn guest access off there');
}

/** @throws DriverError Denied where we would be but a guest, and nothing signed */
function checkedLast(last: Answer): Answer {
  if (last.header.status !== statuses.success) throw loginFailed(last.header);
  if (decodeSessionSetup(last.packet).isGuest)
    throw refusal(
      'the file server takes us for a guest, with whom nothing is signed: check "username" in the Secret, and turn guest access off there',
    );
  return last;
}

function secure(connection: Connection, agreed: Agreed, sessionKey: Buffer, preauth: Preauth, last: Answer): void {
  const { dialect, signing, cipher } = agreed;
  const keys = dialect === '2.1' ? undefined : sessionKeys(sessionKey, dialect === '3.1.1' ? preauth.hash : undefined, cipher?.bits ?? 128);
  const signer = new Signer(keys?.signing ?? sessionKey, signing);
  // By this the server shows that it knows the password, too, and that what was agreed on is what it said.
  signer.check(last.packet);
  connection.protection = keys === undefined || cipher === undefined ? signedBy(signer) : sealedBy(sealerFor(cipher, keys, connection));
}

const sealerFor = (cipher: NonNullable<Negotiated['cipher']>, keys: SessionKeys, { sessionId }: Connection): Sealer =>
  new Sealer(cipher, keys, sessionId);

/** Where the server signs what we offered: that it saw the same. */
function checkCode(last: Answer, context: SecurityContext): void {
  const { token } = decodeSessionSetup(last.packet);
  const code = token.length === 0 ? undefined : codeIn(token);
  if (code !== undefined && !context.incoming.sign(mechanisms).equals(code))
    throw new DriverError('Denied', 'the file server was offered other ways to log in than we offered: somebody changed them on their way');
}
