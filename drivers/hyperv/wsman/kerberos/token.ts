import { createRequire } from 'node:module';
import { DriverError } from '#drivers/error.js';
import { Gate } from '#drivers/https/gate.js';
import { type Principal, serviceFailure, withTickets } from './kinit.js';

/** As much as we use of the optional package "kerberos", over the system's own library. */
interface Library {
  initializeClient(
    service: string,
    options: { readonly mechOID: number; readonly gssFlag: number },
  ): Promise<{ step(challenge: string): Promise<string> }>;
  readonly GSS_MECH_OID_SPNEGO: number;
  readonly GSS_C_MUTUAL_FLAG: number;
}

/** The library finds its tickets by a variable of the process, so that one asks at a time. */
const oneAtATime = new Gate(1);

/** What shows the host who we are, once: SPNEGO with a ticket for `HTTP/<host>`. Rejects with DriverError. */
export async function kerberosToken(who: Principal, host: string, signal: AbortSignal): Promise<Buffer> {
  const library = loaded();
  return withTickets(
    who,
    (cache) => oneAtATime.through(() => withVariable('KRB5CCNAME', cache, () => firstStep(library, host)), signal),
    signal,
  );
}

async function firstStep(library: Library, host: string): Promise<Buffer> {
  const service = `HTTP@${host}`;
  try {
    const client = await library.initializeClient(service, { mechOID: library.GSS_MECH_OID_SPNEGO, gssFlag: library.GSS_C_MUTUAL_FLAG });
    return Buffer.from(await client.step(''), 'base64');
  } catch (reason) {
    throw serviceFailure(service, reason instanceof Error ? reason.message : String(reason));
  }
}

async function withVariable<T>(name: string, value: string, act: () => Promise<T>): Promise<T> {
  const before = process.env[name];
  process.env[name] = value;
  try {
    return await act();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}

function loaded(): Library {
  try {
    // Not imported: it is not there for everybody, neither when this runs nor when it is compiled.
    return createRequire(import.meta.url)('kerberos');
  } catch (cause) {
    throw new DriverError(
      'Unsupported',
      'auth=kerberos: the optional package "kerberos" is not there: `npm install kerberos` where the agent runs, which needs libkrb5-dev and a compiler; or take NTLM',
      { cause },
    );
  }
}
