import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { Identity } from '#controllers/session/certificate.js';
import { methods, mostQuestionBytes, type Picture, peerOf, placeOf, protocol } from '#controllers/session/wire.js';
import { Failure } from '../complaint.js';

/** Where a session is open, and who may come in. */
export interface Way {
  readonly uid: string;
  /** `host:port` of the agent. */
  readonly address: string;
  /** Of the agent's certificate. */
  readonly fingerprint: string;
  readonly identity: Identity;
}

const connectMs = 15_000;
const mostPictureBytes = 64 * 2 ** 20;

/** Bytes both ways, until one side ends. */
export async function openLine(way: Way, asked: URLSearchParams, signal: AbortSignal): Promise<Duplex> {
  const headers = { Connection: 'Upgrade', Upgrade: protocol.upgrade };
  const asking = await ask(way, { method: methods.line, headers, query: asked }, signal);
  const answered = once(asking, 'upgrade') as Promise<[IncomingMessage, Duplex, Buffer]>;
  asking.end();
  const [, socket, head] = await told(Promise.race([answered, refused(asking)]), signal);
  if (head.length > 0) socket.unshift(head);
  return socket;
}

export async function takePicture(way: Way, signal: AbortSignal): Promise<Picture> {
  const asking = await ask(way, { method: methods.picture }, signal);
  asking.end();
  const response = await told(accepted(asking), signal);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > mostPictureBytes) throw new Failure(`the picture is larger than ${mostPictureBytes} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Failure('the connection broke amid the picture; try again');
  return { type: response.headers['content-type'] ?? 'application/octet-stream', bytes: Buffer.concat(chunks) };
}

/** Sends a question, and gives the answer. Both are JSON. */
export async function askQuestion(way: Way, question: string, signal: AbortSignal): Promise<string> {
  if (Buffer.byteLength(question) > mostQuestionBytes)
    throw new Failure(`what is asked is larger than ${mostQuestionBytes} bytes; ask of fewer objects at once`);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(question) };
  const asking = await ask(way, { method: methods.question, headers }, signal);
  asking.end(question);
  const response = await told(accepted(asking), signal);
  const answer = await told(text(response), signal);
  if (!response.complete) throw new Failure(cut);
  return answer;
}

/** Sends content once the agent wants it; resolves when it says that it has all of it. */
export async function deliver(way: Way, content: Readable, lengthBytes: number, signal: AbortSignal): Promise<void> {
  let broken: Error | undefined;
  const note = (reason: Error) => {
    broken = reason;
  };
  // It may break before it is wanted, when nobody reads it yet.
  content.on('error', () => {}).once('error', note);
  try {
    // A connection that breaks leaves its own error on the stream, and is not what was sent.
    await sendWhenWanted(way, content, lengthBytes, () => content.off('error', note), signal);
  } catch (reason) {
    throw broken === undefined ? reason : new Failure(`what is sent broke off: ${broken.message}`);
  }
}

async function sendWhenWanted(way: Way, content: Readable, lengthBytes: number, onGone: () => void, signal: AbortSignal): Promise<void> {
  const headers = { 'Content-Length': lengthBytes, Expect: '100-continue' };
  const asking = await ask(way, { method: methods.delivery, headers }, signal);
  asking.once('error', onGone).once('close', onGone);
  const taken = accepted(asking);
  // What it says before it has all counts, too: then no more is sent.
  taken.then(
    () => {},
    () => content.destroy(),
  );
  asking.flushHeaders();
  await told(Promise.race([once(asking, 'continue'), taken]), signal);
  const sent = pipeline(content, asking).catch(() => {});
  const response = await told(taken, signal);
  await sent;
  response.resume();
}

interface Asked {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly query?: URLSearchParams;
}

async function ask(way: Way, { method, headers = {}, query }: Asked, signal: AbortSignal): Promise<ClientRequest> {
  const socket = await dial(way, signal);
  const path = `${placeOf(way.uid)}${query === undefined || query.size === 0 ? '' : `?${query}`}`;
  return request({ createConnection: () => socket, method, path, headers: { Host: 'agent', ...headers } });
}

/** Nothing is sent before the other side has proven to be the agent that the session names. */
async function dial({ address, fingerprint, identity }: Way, signal: AbortSignal): Promise<TLSSocket> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  const socket = connect({
    host,
    port: Number(port),
    cert: identity.certificate,
    key: identity.key,
    minVersion: protocol.tls,
    ALPNProtocols: [protocol.alpn],
    rejectUnauthorized: false,
    servername: '',
  });
  socket.on('error', () => {});
  const leave = () => socket.destroy();
  signal.addEventListener('abort', leave, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', leave));
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.any([signal, AbortSignal.timeout(connectMs)]) });
  } catch (reason) {
    socket.destroy();
    signal.throwIfAborted();
    throw new Failure(`the agent is not reached at ${address} (${wordsOf(reason)}): ${reachIt}`);
  }
  if (peerOf(socket) === fingerprint) return socket;
  socket.destroy();
  throw new Failure(`at ${address} is another than the agent that the session names: nothing was sent; see who answers there`);
}

const reachIt = 'run this where that address is reached, or give the agent one that is with its --sessions and --sessions-address';

const wordsOf = (reason: unknown): string =>
  reason instanceof Error
    ? 'code' in reason && reason.code !== 'ABORT_ERR'
      ? String(reason.code)
      : `no answer in ${connectMs / 1_000} s`
    : String(reason);

/** An answer that is no upgrade. */
function refused(asking: ClientRequest): Promise<never> {
  return accepted(asking).then(() => {
    throw new Failure('the agent answered otherwise than asked; it may be of another version');
  });
}

/** The answer, when it is a good one; else what it says rejects. */
function accepted(asking: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asking.once('response', (response: IncomingMessage) => {
      if (response.statusCode === 200) resolve(response);
      else text(response).then((said) => reject(new Failure(said.slice(0, 4_096))), reject);
    });
    asking.once('error', () => reject(new Failure(cut)));
    asking.once('close', () => reject(new Failure(cut)));
  });
}

const cut = 'the agent closed the connection: the session is over, or was never opened for this one; try again';

/** What comes of it; what hinders it, in words for people. */
async function told<T>(wanted: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await wanted;
  } catch (reason) {
    signal.throwIfAborted();
    throw reason instanceof Failure ? reason : new Failure(cut);
  }
}
