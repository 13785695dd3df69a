import * as http from 'node:http';
import * as https from 'node:https';
import type { Credentials, TlsMaterial } from './connection.js';

/** One agent as long as the certificates are the same; an older one lives on until its requests have ended. */
export class AgentCache {
  #agent: http.Agent | undefined;
  #identity = '';
  #last: Credentials | undefined;

  agentFor(credentials: Credentials, secure: boolean): http.Agent {
    if (credentials.agent) return credentials.agent;
    if (this.#agent && this.#last === credentials) return this.#agent;
    this.#last = credentials;
    const identity = secure ? identityOf(credentials.tls) : 'plain';
    if (this.#agent && this.#identity === identity) return this.#agent;
    // Free connections are dropped after 30 s, before a server or balancer does it under a request.
    const options = { keepAlive: true, keepAliveMsecs: 30_000, timeout: 30_000 };
    this.#agent = secure ? new https.Agent({ ...options, ...credentials.tls }) : new http.Agent(options);
    this.#identity = identity;
    return this.#agent;
  }

  clear(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }
}

function identityOf(tls: TlsMaterial): string {
  return JSON.stringify([tls.ca, tls.cert, tls.key].map((part) => part?.toString()).concat(`${tls.rejectUnauthorized} ${tls.servername}`));
}
