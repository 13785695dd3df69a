/** The suite of machines, on a simulated Hyper-V with version 2 of its WMI in place of a host in memory. */
process.env['VIRTWRIGHT_API_SERVER'] = 'standalone';
process.env['VIRTWRIGHT_HOST'] = 'hyperv-v2';
await import('#test/cluster/machine.test.js');

export {};
