import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Caller, isAllowed } from '../requests/authorize.js';
import { Objects } from '../requests/objects.js';
import { forbiddenAttempt, methodNotAllowed } from '../requests/status.js';
import { namespaceResource } from '../resources/builtin.js';
import { about } from './about.js';
import { type Address, readAddress } from './address.js';
import { type Answer, send, statusOf } from './answer.js';
import { verbOf } from './asked.js';
import type { Backend, Call } from './call.js';
import { impersonated } from './impersonate.js';
import { flagOf } from './query.js';
import { Reads } from './reads.js';
import { scaleAnswer } from './scale.js';
import { Writes } from './writes.js';

/** All that a request may be: who may make it, and who answers it. */
export class Handler {
  readonly #backend: Backend;
  readonly #objects: Objects;
  readonly #reads: Reads;
  readonly #writes: Writes;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#objects = new Objects(backend.store, backend.uidOf);
    this.#reads = new Reads(backend, this.#objects);
    this.#writes = new Writes(backend, this.#objects, this.#reads);
  }

  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    try {
      const [path = '/', ...rest] = (request.url ?? '/').split('?');
      const { method = 'GET' } = request;
      const as = impersonated(request, caller, this.#backend.store);
      const call = { request, response, method, path, query: new URLSearchParams(rest.join('?')), ...as };
      const done = await this.#answer(call);
      if (done !== undefined) await send(request, response, done);
    } catch (reason) {
      await refuse(request, response, reason);
    }
  }

  async #answer(call: Call): Promise<Answer | undefined> {
    const said = await about(call, this.#backend);
    if (said !== undefined) return said;
    const address = readAddress(call.path, this.#backend.registry);
    this.#assertAllowed(call, address);
    if (address.subresource === 'scale') return scaleAnswer(call, address, this.#objects, this.#backend);
    return address.name === '' ? this.#ofAll(call, address) : this.#ofOne(call, address);
  }

  async #ofAll(call: Call, address: Address): Promise<Answer | undefined> {
    switch (call.method) {
      case 'GET':
        return flagOf(call.query, 'watch') ? this.#reads.watch(call, address) : this.#reads.list(call, address);
      case 'POST':
        return this.#writes.create(call, address);
      case 'DELETE':
        return this.#writes.deleteAll(call, address);
      default:
        throw methodNotAllowed();
    }
  }

  async #ofOne(call: Call, address: Address): Promise<Answer | undefined> {
    switch (call.method) {
      case 'GET':
        return flagOf(call.query, 'watch') ? this.#reads.watch(call, address) : this.#reads.one(call, address);
      case 'PUT':
        return this.#writes.update(call, address);
      case 'PATCH':
        return this.#writes.patch(call, address);
      case 'DELETE':
        if (address.subresource !== '') throw methodNotAllowed();
        return this.#writes.delete(call, address);
      default:
        throw methodNotAllowed();
    }
  }

  /** A name that is selected is as a name in the address. */
  #assertAllowed(call: Call, { resource, namespace, name, subresource }: Address): void {
    const [, selected = ''] = /^metadata\.name==?([^,=!]+)$/.exec(call.query.get('fieldSelector') ?? '') ?? [];
    const attempt = {
      verb: verbOf(call, name),
      group: resource.group,
      resource: subresource === '' ? resource.plural : `${resource.plural}/${subresource}`,
      namespace: resource === namespaceResource ? name : namespace,
      name: name || selected,
      path: '',
    };
    if (!isAllowed(this.#backend.store, call, attempt)) throw forbiddenAttempt(call.user, attempt, resource);
  }
}

async function refuse(request: IncomingMessage, response: ServerResponse, reason: unknown): Promise<void> {
  if (response.headersSent) return void response.destroy();
  const status = statusOf(reason);
  // What was not read of the body would be taken for the next request.
  if (!request.complete) response.setHeader('Connection', 'close');
  await send(request, response, { code: status.code, body: status.body }).catch(() => response.destroy());
}
