import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission } from '../admission/admit.js';
import type { Caller } from '../requests/authorize.js';
import type { ChangeOptions } from '../requests/change.js';
import { assertNoEscalation } from '../requests/escalate.js';
import type { UidOf } from '../requests/objects.js';
import { timestamp } from '../resources/metadata.js';
import type { Registry } from '../resources/registry.js';
import type { Store } from '../store/store.js';
import { warningHeader } from './answer.js';
import { dryRunOf, managerOf, validationOf } from './query.js';
import { type View, viewOf } from './table.js';

export interface Backend {
  readonly store: Store;
  readonly admission: Admission;
  readonly registry: Registry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** At random when absent. */
  readonly uidOf?: UidOf | undefined;
  /** Ends with the server. */
  readonly signal: AbortSignal;
}

/** One request, and who makes it. */
export interface Call extends Caller {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export const viewFor = ({ request, query }: Call): View => viewOf(`${request.headers.accept ?? ''}`, query.get('includeObject'));

/** How a change is to be made. It warns beside the answer, once of each thing. */
export function optionsFor(call: Call, { now, admission, store }: Backend): ChangeOptions {
  const { query, request, response } = call;
  const told = new Set<string>();
  const warn = (text: string): void => {
    if (!told.has(text)) response.appendHeader('Warning', warningHeader(text));
    told.add(text);
  };
  return {
    fieldManager: managerOf(query, request.headers['user-agent']),
    fieldValidation: validationOf(query),
    dryRun: dryRunOf(query),
    warn,
    now: timestamp(now()),
    admit: (attempted) => {
      assertNoEscalation(store, call, attempted);
      admission.admit(attempted, { caller: call, warn });
    },
  };
}
