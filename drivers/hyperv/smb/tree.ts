import { within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Answer, Connection, Question } from './connection.js';
import { commands } from './header.js';
import type { Agreed } from './login.js';
import { type Create, type Created, decodeCreate, encodeClose, encodeCreate } from './messages/file.js';
import { capabilities } from './messages/negotiate.js';
import { isOver, statusError, statuses } from './status.js';

/** In milliseconds: how long a goodbye may take. */
const patience = 5_000;
const noMultiCredit = 65_536;

/** A share as the server knows it, and what is asked about it. */
export class Tree {
  readonly #connection: Connection;
  readonly #agreed: Agreed;
  readonly #id: number;
  /** `\\host\share`, for errors. */
  readonly #name: string;

  constructor(connection: Connection, agreed: Agreed, id: number, name: string) {
    this.#connection = connection;
    this.#agreed = agreed;
    this.#id = id;
    this.#name = name;
  }

  get limits(): { readonly maxRead: number; readonly maxWrite: number } {
    return this.#agreed;
  }

  /** How many bytes one request may move. */
  get reach(): number {
    return (this.#agreed.capabilities & capabilities.largeMtu) === 0 ? noMultiCredit : this.#connection.reach;
  }

  /** Rejects with what a status means, unless it is success, or among those that are also fine. */
  async ask(path: string, question: Question, signal: AbortSignal, alsoFine: readonly number[] = []): Promise<Answer> {
    const what = path === '' ? this.#name : `${this.#name}\\${path}`;
    const answer = await this.#connection.ask({ ...question, treeId: this.#id }, signal).catch((reason) => {
      const error = DriverError.from(reason);
      throw new DriverError(error.code, `${what}: ${error.message}`, { cause: error.cause ?? error });
    });
    const { status } = answer.header;
    if (status === statuses.success || alsoFine.includes(status)) return answer;
    const error = statusError(what, status);
    if (isOver(status)) this.#connection.end(error);
    throw error;
  }

  async create(what: Create, signal: AbortSignal): Promise<Created> {
    const body = encodeCreate(what);
    // Opened when nobody wanted it any more: others would find it in use.
    const late = ({ header, packet }: Answer) => {
      if (header.status === statuses.success) void this.close(decodeCreate(packet).fileId);
    };
    const { packet } = await this.ask(what.path, { command: commands.create, body, late }, signal);
    return decodeCreate(packet);
  }

  /** Never fails: with the connection the server closes all that was open by it. */
  async close(fileId: Buffer): Promise<void> {
    const never = new AbortController().signal;
    const asked = this.#connection.ask({ command: commands.close, body: encodeClose(fileId), treeId: this.#id }, never);
    await within(patience, 'close', asked, never).catch(() => {});
  }
}
