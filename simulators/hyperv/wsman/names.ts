/** Of the protocols that WinRM speaks (DSP0226, MS-WSMV). Written down a second time on purpose: what tries a client must not share its mistakes. */
export const ns = {
  soap: 'http://www.w3.org/2003/05/soap-envelope',
  addressing: 'http://schemas.xmlsoap.org/ws/2004/08/addressing',
  enumeration: 'http://schemas.xmlsoap.org/ws/2004/09/enumeration',
  eventing: 'http://schemas.xmlsoap.org/ws/2004/08/eventing',
  transfer: 'http://schemas.xmlsoap.org/ws/2004/09/transfer',
  wsman: 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd',
  identity: 'http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd',
  fault: 'http://schemas.microsoft.com/wbem/wsman/1/wsmanfault',
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
  cim: 'http://schemas.dmtf.org/wbem/wscim/1/common',
} as const;

export const anonymous = `${ns.addressing}/role/anonymous`;

const wmi = 'http://schemas.microsoft.com/wbem/wsman/1/wmi/';

export const classUri = (namespace: string, className: string): string => `${wmi}${namespace}/${className}`;

/** `root/virtualization/v2` and a class, or `*`. */
export function parseClassUri(uri: string): { readonly namespace: string; readonly className: string } | undefined {
  const [, namespace, className] = /^https?:\/\/schemas\.microsoft\.com\/wbem\/wsman\/1\/wmi\/(.+)\/([^/?]+)$/i.exec(uri.trim()) ?? [];
  return namespace === undefined || className === undefined ? undefined : { namespace: namespace.toLowerCase(), className };
}
