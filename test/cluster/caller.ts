import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { JsonObject } from '#standalone/json.js';

export interface Reply {
  readonly code: number;
  readonly body: JsonObject;
}

/** Requests of an administrator, one by one and never tried again: what is answered is acknowledged, what is not may be either way. */
export class Caller implements Disposable {
  readonly #url: string;
  readonly #agent: Agent;

  private constructor(url: string, agent: Agent) {
    this.#url = url;
    this.#agent = agent;
  }

  /** `folder`: the server's own, with the administrator's certificate. */
  static async for(url: string, folder: string): Promise<Caller> {
    const [ca, cert, key] = await Promise.all(['ca.crt', 'admin.crt', 'admin.key'].map((name) => readFile(join(folder, name))));
    return new Caller(url, new Agent({ ca, cert, key, keepAlive: true }));
  }

  /** Rejects when the connection ends before the whole answer came. */
  async call(method: string, path: string, body?: object, type = 'application/json'): Promise<Reply> {
    const response = await this.#send(method, path, body === undefined ? '' : JSON.stringify(body), type);
    const answer = await text(response);
    return { code: response.statusCode ?? 0, body: answer.startsWith('{') ? (JSON.parse(answer) as JsonObject) : { answer } };
  }

  /** An answer that goes on. */
  stream(path: string): Promise<IncomingMessage> {
    return this.#send('GET', path, '', 'application/json');
  }

  #send(method: string, path: string, body: string, type: string): Promise<IncomingMessage> {
    const headers = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#url}${path}`, { agent: this.#agent, method, headers }, resolve);
      sent.on('error', reject);
      sent.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** What a client hears of a server that is gone. */
export const isCutOff = (reason: unknown): boolean =>
  reason instanceof Error && 'code' in reason && /^E(CONN|PIPE)|^ERR_(STREAM|SSL|TLS)/.test(`${reason.code}`);
