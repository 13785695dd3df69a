interface More {
  /** That WMI said it: as CIM counts what goes wrong (DSP0200), by which newer hosts tell it. */
  readonly cim?: number;
  readonly sender?: boolean;
}

/** What is answered with a SOAP fault. */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** With its prefix, e.g. `w:AccessDenied`; none for what SOAP itself has a word for, e.g. `s:VersionMismatch`. */
  readonly subcode: string;
  /** Of WinRM (wsmerror.h), Windows or WMI. */
  readonly number: number;
  readonly cim: number | undefined;
  readonly sender: boolean;

  constructor(subcode: string, number: number, message: string, { cim, sender = true }: More = {}) {
    super(message);
    this.subcode = subcode;
    this.number = number;
    this.cim = cim;
    this.sender = sender;
  }

  /** As a listing tells it: whatever WMI makes of a query comes as one fault of one number. */
  get ofQuery(): Problem {
    return this.cim === undefined ? this : new Problem('n:CannotProcessFilter', 0x8033801a, this.message, { cim: this.cim });
  }
}

const cannot = 'The WS-Management service cannot process the request';

/** As WinRM says them: codes and numbers as Microsoft's wsmerror.h and recordings of real hosts have them, sentences in our own words but for a few. */
export const problems = {
  accessDenied: () => new Problem('w:AccessDenied', 5, 'Access is denied.'),
  noNamespace: (name: string) =>
    new Problem('a:DestinationUnreachable', 0x80338000, `${cannot}. The CIM namespace ${name} is invalid.`, { cim: 3 }),
  noClass: (name: string) =>
    new Problem('a:DestinationUnreachable', 0x80338000, `${cannot}. The class ${name} does not exist in the namespace.`, { cim: 5 }),
  noObject: () => new Problem('a:DestinationUnreachable', 0x80338000, `${cannot}: there is no object of these selectors.`, { cim: 6 }),
  noMethod: (name: string) => new Problem('a:ActionNotSupported', 0x8004102e, `The method ${name} is not available.`, { cim: 17 }),
  noParameter: (name: string) => new Problem('w:InvalidParameter', 0x80338055, `${cannot}. ${name} is no parameter of the method.`),
  wrongParameter: (name: string, type: string) =>
    new Problem('w:InvalidParameter', 0x80338054, `${cannot}. The parameter ${name} is no ${type}.`),
  noProperty: (name: string, className: string) =>
    new Problem('w:InvalidParameter', 0x8033811e, `${cannot}. ${className} has no property ${name}.`, { cim: 4 }),
  noSelectors: () =>
    new Problem('w:InternalError', 0x8004102f, 'A method is called on an object, and no selectors name one.', { cim: 1, sender: false }),
  badQuery: (why: string) => new Problem('n:CannotProcessFilter', 0x8033801a, `The WQL query is invalid: ${why}`, { cim: 15 }),
  noDialect: (name: string) =>
    new Problem('n:FilterDialectRequestedUnavailable', 0x80338019, `The filter dialect ${name} is not supported; supported: WQL.`),
  badSelectors: () => new Problem('w:InvalidSelectors', 0x8033805e, `${cannot}: the selectors do not name one object.`),
  noSelector: (name: string) => new Problem('w:InvalidSelectors', 0x8033805b, `${cannot}: ${name} is no selector of the class.`),
  badMessage: (why: string) => new Problem('a:InvalidMessageInformationHeader', 0x8033800f, `The SOAP message is not understood: ${why}`),
  badXml: (why: string) => new Problem('w:SchemaValidationError', 0x80338043, `${cannot} because the XML is invalid: ${why}`),
  otherLetters: () => new Problem('w:UnsupportedEncoding', 0x8033802c, 'The message is neither in UTF-8 nor in UTF-16.'),
  smallEnvelope: () => new Problem('w:EncodingLimit', 0x8033807e, `${cannot}: an envelope of less than 8192 bytes holds no answer.`),
  otherSoap: () => new Problem('s:VersionMismatch', 0x8033800d, 'The message is of another SOAP than 1.2.'),
  forgotten: () =>
    new Problem('n:InvalidEnumerationContext', 0x8033801b, 'The supplied enumeration context is invalid.', { sender: false }),
  nothingYet: () => new Problem('w:TimedOut', 0x80338029, 'The operation timed out.', { sender: false }),
  quota: (what: string) => new Problem('w:QuotaLimit', 0x803381a6, `${cannot}: ${what}.`),
  tooLarge: () =>
    new Problem('w:EncodingLimit', 0x80338048, 'The response is larger than the maximum envelope size allows.', { sender: false }),
  noEvents: () =>
    new Problem('e:EventSourceUnableToProcess', 0x80338023, 'The event source cannot process the subscription.', { sender: false }),
  noDelivery: (mode: string) =>
    new Problem('e:DeliveryModeRequestedUnavailable', 0x8033801e, `The delivery mode ${mode} is not supported; supported: Pull.`),
  noExpiry: (text: string) => new Problem('e:InvalidExpirationTime', 0x8033801f, `A subscription cannot expire after ${text}.`),
  noDuration: (text: string) => new Problem('e:UnsupportedExpirationType', 0x80338020, `${text} is no duration, as PT600S is.`),
  noRenewal: () => new Problem('e:UnableToRenew', 0x80338024, 'The subscription cannot be renewed.', { sender: false }),
  invalid: (why: string) => new Problem('w:InvalidParameter', 0x8033811e, `Invalid parameter: ${why}`, { cim: 4 }),
} as const;
