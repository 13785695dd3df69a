import * as http from 'node:http';
import * as https from 'node:https';
import { createSecureContext } from 'node:tls';
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
    this.#agent = secure ? new https.Agent({ ...options, ...contextOf(credentials.tls) }) : new http.Agent(options);
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

/** Keys are read once, not for every connection: each watch has one of its own. */
function contextOf({ ca, cert, key, ...rest }: TlsMaterial): https.AgentOptions {
  const material = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  return { ...rest, secureContext: createSecureContext(material) };
}
