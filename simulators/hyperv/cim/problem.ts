/** What is answered with a SOAP fault. */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** With its prefix, e.g. `w:AccessDenied`. */
  readonly subcode: string;
  /** Of Windows or of WMI. */
  readonly number: number;
  /** What the WMI provider itself said. */
  readonly provider: boolean;
  readonly sender: boolean;

  constructor(subcode: string, number: number, message: string, { provider = false, sender = true } = {}) {
    super(message);
    this.subcode = subcode;
    this.number = number;
    this.provider = provider;
    this.sender = sender;
  }
}

/** As WinRM says them, as far as is known. The numbers are WMI's (WBEM_E_…) and Windows' own. */
export const problems = {
  accessDenied: () => new Problem('w:AccessDenied', 5, 'Access is denied.', { sender: true }),
  noNamespace: (name: string) =>
    new Problem(
      'a:DestinationUnreachable',
      0x8004100e,
      `The WS-Management service cannot process the request. The CIM namespace ${name} is invalid.`,
      { provider: true },
    ),
  noClass: (name: string) =>
    new Problem(
      'a:DestinationUnreachable',
      0x80041010,
      `The WS-Management service cannot process the request. The class ${name} does not exist in the namespace.`,
      { provider: true },
    ),
  noObject: () =>
    new Problem(
      'a:DestinationUnreachable',
      0x80041002,
      'The WS-Management service cannot process the request because the WMI service cannot find the object.',
      { provider: true },
    ),
  noMethod: (name: string) => new Problem('a:ActionNotSupported', 0x80041055, `The method ${name} is not supported.`),
  badQuery: (why: string) => new Problem('n:CannotProcessFilter', 0x80041017, `The WQL query is invalid: ${why}`, { provider: true }),
  noDialect: (name: string) =>
    new Problem('n:FilterDialectRequestedUnavailable', 2150858752, `The filter dialect ${name} is not supported; supported: WQL.`),
  badSelectors: () =>
    new Problem(
      'w:InvalidSelectors',
      2150858843,
      'The WS-Management service cannot process the request: the selectors do not name one object.',
    ),
  badMessage: (why: string) => new Problem('a:InvalidMessageInformationHeader', 2150858752, `The SOAP message is not understood: ${why}`),
  forgotten: () =>
    new Problem('n:InvalidEnumerationContext', 2150858809, 'The supplied enumeration context is invalid.', { sender: false }),
  nothingYet: () => new Problem('w:TimedOut', 2150858793, 'The operation timed out.', { sender: false }),
  quota: (what: string) => new Problem('w:QuotaLimit', 2150859173, `The WS-Management service cannot process the request: ${what}.`),
  tooLarge: () =>
    new Problem('w:EncodingLimit', 2150858838, 'The response is larger than the maximum envelope size allows.', { sender: false }),
  noEvents: () =>
    new Problem('e:EventSourceUnableToProcess', 2150858819, 'The event source cannot process the subscription.', { sender: false }),
  invalid: (why: string) => new Problem('w:InvalidParameter', 0x80041008, `Invalid parameter: ${why}`, { provider: true }),
} as const;
