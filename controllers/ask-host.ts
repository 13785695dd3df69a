import { Failure } from '#cli/complaint.js';
import { askQuestion } from '#cli/session/client.js';
import { openSession } from '#cli/session/session.js';
import type { Answer, Question } from './foresight/answer.js';
import { ApiError, type Client } from './kubernetes/client.js';
import { NotAsked } from './server-plan/asking.js';

export interface Asked {
  readonly client: Client;
  /** Of the session, which says whose objects may be asked of. */
  readonly namespace: string;
  readonly hypervisor: string;
}

/** What the agent of a host says would become of objects there. Rejects with NotAsked. */
export async function askHost({ client, namespace, hypervisor }: Asked, question: Question, signal: AbortSignal): Promise<Answer> {
  const answer: unknown = JSON.parse(await answerOf({ client, namespace, hypervisor }, JSON.stringify(question), signal).catch(notAsked));
  if (!isAnswer(answer))
    throw new NotAsked(`the agent of ${hypervisor} answered otherwise than asked; it may be of another version`, false);
  return answer;
}

async function answerOf({ client, namespace, hypervisor }: Asked, question: string, signal: AbortSignal): Promise<string> {
  await using session = await openSession(client, { namespace, purpose: 'Plan', hypervisor }, signal);
  return await askQuestion(session.way, question, signal);
}

function notAsked(reason: unknown): never {
  throw reason instanceof Failure ? new NotAsked(reason.message, ApiError.is(reason.cause, 'Forbidden'), { cause: reason }) : reason;
}

const isAnswer = (value: unknown): value is Answer =>
  typeof value === 'object' &&
  value !== null &&
  (['steps', 'waits', 'troubles', 'calls', 'placed'] as const).every((field) => field in value && Array.isArray((value as Answer)[field]));
