/** Of Windows: what describes objects to people is in it, with a few exceptions. */
export type Language = 'en-US' | 'ja-JP';

interface Descriptions {
  readonly host: { readonly Caption: string; readonly Description: string };
  readonly machine: { readonly Caption: string; readonly Description: string };
  /** That nothing is wrong with a machine. */
  readonly well: string;
}

/** As a Windows of the language told them of one host and its machines (recorded by github.com/r4sd/go-wsman, `hyperv/testdata`). */
export const descriptions: Readonly<Record<Language, Descriptions>> = {
  'en-US': {
    host: { Caption: 'Hosting Computer System', Description: 'Microsoft Hosting Computer System' },
    machine: { Caption: 'Virtual Machine', Description: 'Microsoft Virtual Machine' },
    well: 'Operating normally',
  },
  'ja-JP': {
    host: { Caption: 'ホスト コンピューター システム', Description: 'Microsoft ホスト コンピューター システム' },
    machine: { Caption: '仮想マシン', Description: 'Microsoft Virtual Machine' },
    well: '正常稼働中',
  },
};
