import type { Api } from '#cli/server/api.js';
import { askHost } from './ask-host.js';
import type { Asking } from './server-plan/asking.js';
import { wouldBe } from './would-be.js';

/** What a plan asks of an API server, and of the agents that it leads to. `force`: as with apply, fields of others are taken over. */
export const byServer = (api: Api, force: boolean): Asking => ({
  client: api.client,
  dryRun: (manifest, namespaces, signal) => wouldBe(manifest, { api, force, namespaces }, signal),
  ask: (namespace, hypervisor, question, signal) => askHost({ client: api.client, namespace, hypervisor }, question, signal),
});
