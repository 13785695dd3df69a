/** Of SOAP 1.2, WS-Addressing, WS-Transfer, WS-Enumeration, WS-Eventing and WS-Management (DSP0226), and Microsoft's additions (MS-WSMV). */
export const namespaces = {
  soap: 'http://www.w3.org/2003/05/soap-envelope',
  addressing: 'http://schemas.xmlsoap.org/ws/2004/08/addressing',
  enumeration: 'http://schemas.xmlsoap.org/ws/2004/09/enumeration',
  eventing: 'http://schemas.xmlsoap.org/ws/2004/08/eventing',
  transfer: 'http://schemas.xmlsoap.org/ws/2004/09/transfer',
  wsman: 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd',
  identity: 'http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd',
  fault: 'http://schemas.microsoft.com/wbem/wsman/1/wsmanfault',
  /** How newer hosts tell what WMI said. */
  wmiError: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError',
  cim: 'http://schemas.dmtf.org/wbem/wscim/1/common',
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
} as const;

/** The prefixes we write. */
export const prefixes = {
  s: namespaces.soap,
  a: namespaces.addressing,
  n: namespaces.enumeration,
  e: namespaces.eventing,
  w: namespaces.wsman,
} as const;

export const actions = {
  get: `${namespaces.transfer}/Get`,
  put: `${namespaces.transfer}/Put`,
  enumerate: `${namespaces.enumeration}/Enumerate`,
  pull: `${namespaces.enumeration}/Pull`,
  release: `${namespaces.enumeration}/Release`,
  subscribe: `${namespaces.eventing}/Subscribe`,
  renew: `${namespaces.eventing}/Renew`,
  unsubscribe: `${namespaces.eventing}/Unsubscribe`,
} as const;

export const anonymous = `${namespaces.addressing}/role/anonymous`;
export const wqlDialect = 'http://schemas.microsoft.com/wbem/wsman/1/WQL';
export const pullDelivery = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull';

const wmi = 'http://schemas.microsoft.com/wbem/wsman/1/wmi';

/** `root/virtualization/v2` and a class, or `*` for all of its classes. */
export const classUri = (namespace: string, className = '*'): string => `${wmi}/${namespace}/${className}`;
