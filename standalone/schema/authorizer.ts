import type { Environment } from '@marcbachmann/cel-js';

/** What an expression asks whether it is allowed. */
export interface Question {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `widgets/status`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of what is no resource; else empty. */
  readonly path: string;
}

type Subject = Omit<Question, 'verb'>;

/** Who makes the request, as a policy's `authorizer`. */
export class Authorizer {
  readonly isAllowed: (question: Question) => boolean;

  constructor(isAllowed: (question: Question) => boolean) {
    this.isAllowed = isAllowed;
  }
}

class GroupCheck {
  readonly authorizer: Authorizer;
  readonly group: string;

  constructor(authorizer: Authorizer, group: string) {
    this.authorizer = authorizer;
    this.group = group;
  }
}

class Check {
  readonly authorizer: Authorizer;
  readonly subject: Subject;

  constructor(authorizer: Authorizer, subject: Partial<Subject>) {
    this.authorizer = authorizer;
    this.subject = { group: '', resource: '', namespace: '', name: '', path: '', ...subject };
  }

  with(more: Partial<Subject>): Check {
    return new Check(this.authorizer, { ...this.subject, ...more });
  }

  check(verb: string): Decision {
    return new Decision(this.authorizer.isAllowed({ ...this.subject, verb }));
  }
}

class Decision {
  readonly allowed: boolean;

  constructor(allowed: boolean) {
    this.allowed = allowed;
  }
}

/** Kubernetes' library of that name, but for `serviceAccount` and what tells why. */
export const withAuthorizer = (environment: Environment): Environment =>
  environment
    .registerType('kubernetes.authorization.Authorizer', { ctor: Authorizer, fields: {} })
    .registerType('kubernetes.authorization.GroupCheck', { ctor: GroupCheck, fields: {} })
    .registerType('kubernetes.authorization.Check', { ctor: Check, fields: {} })
    .registerType('kubernetes.authorization.Decision', { ctor: Decision, fields: {} })
    .registerVariable('authorizer', 'kubernetes.authorization.Authorizer')
    .registerFunction(
      'kubernetes.authorization.Authorizer.group(string): kubernetes.authorization.GroupCheck',
      (one: Authorizer, group: string) => new GroupCheck(one, group),
    )
    .registerFunction(
      'kubernetes.authorization.Authorizer.path(string): kubernetes.authorization.Check',
      (one: Authorizer, path: string) => new Check(one, { path }),
    )
    .registerFunction(
      'kubernetes.authorization.GroupCheck.resource(string): kubernetes.authorization.Check',
      ({ authorizer, group }: GroupCheck, resource: string) => new Check(authorizer, { group, resource }),
    )
    .registerFunction(
      'kubernetes.authorization.Check.subresource(string): kubernetes.authorization.Check',
      (one: Check, subresource: string) => one.with({ resource: `${one.subject.resource.split('/')[0]}/${subresource}` }),
    )
    .registerFunction('kubernetes.authorization.Check.namespace(string): kubernetes.authorization.Check', (one: Check, namespace: string) =>
      one.with({ namespace }),
    )
    .registerFunction('kubernetes.authorization.Check.name(string): kubernetes.authorization.Check', (one: Check, name: string) =>
      one.with({ name }),
    )
    .registerFunction('kubernetes.authorization.Check.check(string): kubernetes.authorization.Decision', (one: Check, verb: string) =>
      one.check(verb),
    )
    .registerFunction('kubernetes.authorization.Decision.allowed(): bool', ({ allowed }: Decision) => allowed);
