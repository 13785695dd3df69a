// Generated from the CRDs by `node dist/crds/generate.js`: edit the YAML instead.
// A field of a spec that has a default in its CRD is always there, as the API server fills it in.

export interface ObjectMeta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface NamespacedObjectMeta extends ObjectMeta {
  readonly namespace: string;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A size: bytes, or a Kubernetes quantity as `8Gi`. */
export type Size = number | string;

/** A host, or an endpoint of many, on which machines run. Its name is a DNS label of at most 40 characters. */
export interface Hypervisor {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'Hypervisor';
  readonly metadata: ObjectMeta;
  /** How the host is reached, and what machines get from it when they name nothing. */
  readonly spec: HypervisorSpec;
  /** What the host's agent found there. */
  readonly status?: HypervisorStatus;
}

export interface HypervisorSpec {
  /**
   * Where the host is, in libvirt's own words: `qemu:///system` (likewise lxc, xen, bhyve, ch, vbox and vz), or
   * `qemu+unix:///system?socket=/run/other.sock` for a socket of another path; `qemu+tls://host[:port]/system`, which is
   * also meant by `qemu://host/system`, for a far one; `qemu+ssh://user@host[:port]/system`, also with
   * `?socket=/path/there`; `qemu+tcp://localhost[:port]/system` for the end of a tunnel; `esx://host` for an ESX host;
   * `vpx://vcenter/Datacenter/Cluster`, or with `/host` behind it, for a cluster or a host of a vCenter, names
   * percent-encoded; `hyperv://host` for a Hyper-V host by HTTPS, with `?auth=kerberos` by a ticket, and
   * `hyperv://host/?transport=http` by messages that NTLM seals, each also with `smb=PORT` where its files are not reached
   * by SMB at port 445, or `smb=off` where they are not to be; `fake:///name` for one that is but in its agent's memory: for
   * trying things out, as nothing runs there.
   */
  readonly uri: string;
  /**
   * Name of the Secret that lets the agent in, in the operator's own namespace and nowhere else. Which keys it must have,
   * the driver's page in `docs/drivers/` says; the host's agent is handed those alone. When absent, the host is given no
   * credentials. A host that takes none refuses the field.
   */
  readonly credentialsSecretName?: string;
  /**
   * The StoragePool, a directory on this host, that keeps what guests are told at their first boot. When absent, machines
   * that ask for cloudInit, ignition or sysprep are not placed on this host, but for what it carries with the machine itself
   * (its capability `seeds.carried`), and others are told nothing.
   */
  readonly systemPoolRef?: Ref;
  /** The StoragePool of volumes that name none. When absent, such volumes are not placed on this host. */
  readonly defaultPoolRef?: Ref;
  /**
   * The VirtualNetwork of new machines that name no interfaces, of whatever namespace: naming it here grants it to all. When
   * absent, such machines have no interface.
   */
  readonly defaultNetworkRef?: NetworkRef;
  /**
   * First part of every native name made on this host, as in `east.shop.db`: for hosts that several clusters share. When
   * absent, native names begin with the namespace. A change leaves names that exist as they are.
   */
  readonly namePrefix?: string;
  /**
   * `Cordon` takes no new machines. `Evacuate` also empties the host: each machine that another host can take, with its
   * volumes, is stopped as its `stop` says and goes there; the others stay, and `status.maintenance` says why. `None` ends
   * it, and nothing goes back. When absent, `None`.
   */
  readonly maintenance: 'None' | 'Cordon' | 'Evacuate';
  /** New machines are placed here only if they tolerate every one of these. Those that are here stay. When absent, none. */
  readonly taints?: readonly HypervisorSpecTaint[];
  /**
   * How much of what the host has is given to machines; what runs there and is not ours counts as well. When absent, as the
   * defaults of its fields say.
   */
  readonly overcommit: HypervisorSpecOvercommit;
  /** What objects of some namespaces may do on this host beyond what all may. When absent, nothing. */
  readonly grants?: readonly HypervisorSpecGrant[];
}

export interface Ref {
  readonly name: string;
}

export interface NetworkRef {
  readonly namespace: string;
  readonly name: string;
}

export interface HypervisorSpecTaint {
  /** What is special about the host, as `old-hardware`. */
  readonly key: string;
  /** More about it, as `2012`. When absent, nothing. */
  readonly value?: string;
}

export interface HypervisorSpecOvercommit {
  /** Virtual processors for each 100 logical ones. When absent, 400. */
  readonly cpuPercent: number;
  /** Memory of machines for each 100 of the host's. Below 100, the rest is the host's own. When absent, 100. */
  readonly memoryPercent: number;
}

export interface HypervisorSpecGrant {
  /** Name of the grant, for messages; a DNS label. */
  readonly name: string;
  /** The namespaces that have the grant. */
  readonly namespaces: NamespaceChoice;
  /**
   * Private, link-local or loopback address ranges, as 10.1.0.0/16, that image URLs of these namespaces may be fetched from.
   * When absent, only public addresses.
   */
  readonly addresses?: readonly string[];
  /**
   * Networks of the host, as the host calls them, that VirtualNetworks of these namespaces may name. When absent, none. One
   * that is taken out takes no new machines; those attached to it stay.
   */
  readonly networks?: readonly string[];
  /**
   * Bridges of the host that VirtualNetworks of these namespaces may put machines on. When absent, none. One that is taken
   * out takes no new machines; those attached to it stay.
   */
  readonly bridges?: readonly string[];
  /**
   * Network devices of the host that VirtualNetworks of these namespaces may use, directly or as the way out. When absent,
   * none. One that is taken out takes no new machines; those attached stay.
   */
  readonly devices?: readonly string[];
  /**
   * Tags (IEEE 802.1Q) that interfaces of machines of these namespaces may have. When absent, none. One that is taken out
   * takes no new interfaces; those that have it stay.
   */
  readonly vlans?: readonly number[];
  /**
   * Ranges of addresses, as 192.0.2.0/24, that VirtualNetworks of these namespaces may take their subnets from. When absent,
   * only private ones of /16 (IPv6: /48) or less.
   */
  readonly subnets?: readonly string[];
  /**
   * Directories of the host that containers of these namespaces may name, each as it is written here: what is beneath one is
   * not granted with it. One beneath another is refused, as whoever writes to that could put a link in its place. When
   * absent, none. With one that is taken out no container is started any more; those that run go on.
   */
  readonly hostPaths?: readonly string[];
  /**
   * Whether containers of these namespaces may be privileged: who is root in such a one is root on the host, and can do
   * there whatever he likes. When absent, they may not.
   */
  readonly privilegedContainers?: boolean;
  /**
   * The most `cpu.shares` that VirtualMachines of these namespaces may ask for. When absent, 100, which hosts reckon those
   * as that say nothing. A machine that has more by its definition on the host keeps it, also without a grant, and gets no
   * more.
   */
  readonly cpuShares?: number;
  /**
   * Machines of the host, by their uuids, that VirtualMachines of these namespaces may adopt; `*` is all that are nobody's.
   * When absent, none. One that was adopted stays so.
   */
  readonly machines?: readonly string[];
  /**
   * Volumes that StorageVolumes of these namespaces may adopt, as POOL/NAME with the StoragePool's name and the host's word
   * for the volume; `POOL/*` is all of a pool, `*` all there are. When absent, none. One that was adopted stays so.
   */
  readonly volumes?: readonly string[];
}

export interface NamespaceChoice {
  readonly from: 'All' | 'Selector';
  readonly selector?: Selector;
}

export interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}

export interface HypervisorStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** What runs machines there, as `QEMU`. */
  readonly hypervisor?: string;
  /** Component to version, as `libvirt` to `9.0.0`. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Architecture of the host's processors, as `x86_64`. */
  readonly architecture?: string;
  /**
   * What has shown that Virtwright does on hosts of this kind what it says, in the tests of its version: such hosts
   * themselves, a simulator that others wrote, one of its own, or only files that were compared with what libvirt's schema
   * and sources have.
   */
  readonly provenOn?: 'Real' | 'ThirdPartySimulator' | 'OwnSimulator' | 'GoldenFiles';
  /** What the host has in all, in use or not. */
  readonly capacity?: HypervisorStatusCapacity;
  /** What the host accepts in each field of a VirtualMachine's spec. A field that is not listed is not accepted. */
  readonly capabilities?: readonly HypervisorStatusCapability[];
  /** What is running on the host and belongs to no VirtualMachine that is bound to it. It counts where machines are placed. */
  readonly unowned?: HypervisorStatusUnowned;
  /** How far the evacuation is. Absent while none is asked for. */
  readonly maintenance?: HypervisorStatusMaintenance;
  /**
   * Machines on the host that carry a mark of this cluster and belong to no object here, as after a restore or the loss of
   * the cluster's data. An object of such a name is not placed until one of them is taken over or removed.
   */
  readonly strays?: HypervisorStatusStrays;
  /**
   * What was let go while the host was out of service, and may be left on it: its agent takes it away when the host is back.
   * What is kept for good, as volumes with `reclaimPolicy: Retain`, is not among it.
   */
  readonly orphans?: HypervisorStatusOrphans;
  /**
   * Ready is True when the host is reached and takes work; Connected when its agent has a connection. OutOfService is there
   * while the annotation `virtwright.io/out-of-service` is; True when what is bound to the host is let go.
   */
  readonly conditions?: readonly Condition[];
}

export interface HypervisorStatusCapacity {
  /** Logical processors. */
  readonly cpuCount: number;
  /** Memory, as a quantity. */
  readonly memory: string;
}

export interface HypervisorStatusCapability {
  /** Path of the field in the spec, as `cpu.count`. */
  readonly field: string;
  /** Accepted words. When absent, any within the bounds; when empty, nothing, nor the field by itself. */
  readonly values?: readonly string[];
  /** Least accepted number or size, as a quantity. */
  readonly min?: string;
  /** Greatest accepted number or size, as a quantity. */
  readonly max?: string;
  /** A machine that says nothing of the field is not accepted. When absent, it is. */
  readonly required?: boolean;
  /**
   * What a change takes in a machine that runs: `Live` goes by itself, with `Hotplug` the guest sees hardware come and go.
   * When absent, it waits for the machine's next start. Of `disks` and `interfaces` it is about adding and removing them,
   * with these values as bus or model. `Recreate`: it changes only in a machine that is made anew from its disks.
   */
  readonly change?: 'Live' | 'Hotplug' | 'Recreate';
  /** What is otherwise where another field is asked to be this. */
  readonly within?: readonly HypervisorStatusCapabilityWithin[];
  /** Why it is so, for people. */
  readonly reason?: string;
}

export interface HypervisorStatusCapabilityWithin {
  /** The other field. */
  readonly field: string;
  /** What is asked of it. */
  readonly value: string;
  /** Then these words alone are accepted. When absent, any. */
  readonly values?: readonly string[];
  /** `false`: then nothing need be said of what is required else. */
  readonly required?: boolean;
}

export interface HypervisorStatusUnowned {
  /** How many machines. */
  readonly count: number;
  /** Their virtual processors. */
  readonly cpuCount: number;
  /** Their memory, as a quantity. */
  readonly memory: string;
}

export interface HypervisorStatusMaintenance {
  /** Machines that are still here. */
  readonly machines: number;
  /** Of these, those on their way. */
  readonly leaving: number;
  /** Of these, those that cannot go. */
  readonly staying: number;
  /** Machines that cannot go, the first ten. */
  readonly reasons?: readonly HypervisorStatusMaintenanceReason[];
}

export interface HypervisorStatusMaintenanceReason {
  /** Its namespace. */
  readonly namespace: string;
  /** Its name. */
  readonly name: string;
  /** Why, in one word. */
  readonly reason: string;
  /** Why, and what to do about it. */
  readonly message: string;
}

export interface HypervisorStatusStrays {
  /** How many there are. */
  readonly count: number;
  /** The first 512, by name. */
  readonly machines?: readonly HypervisorStatusStraysMachine[];
}

export interface HypervisorStatusStraysMachine {
  /** Namespace of the VirtualMachine it was made for. */
  readonly namespace: string;
  /** Name of the VirtualMachine it was made for. */
  readonly name: string;
  /** Uid of the VirtualMachine it was made for. */
  readonly uid: string;
}

export interface HypervisorStatusOrphans {
  /** How many there are. */
  readonly count: number;
  /** What they are. While there are 512, nothing more is let go. */
  readonly objects?: readonly HypervisorStatusOrphansObject[];
}

export interface HypervisorStatusOrphansObject {
  /** Of the object that it belonged to. */
  readonly kind: 'VirtualMachine' | 'StorageVolume' | 'StoragePoolInstance' | 'VirtualNetworkInstance';
  /** Of the object; absent for StoragePoolInstances. */
  readonly namespace?: string;
  /** Of the object. */
  readonly name: string;
  /** Of the object. */
  readonly uid: string;
  /** What the host calls it. */
  readonly nativeName?: string;
  /** Of a volume, the StoragePoolInstance that it is in. */
  readonly pool?: string;
  /** Of a volume, whether its content is wiped first; of a machine, what becomes of what its firmware and its TPM wrote down. */
  readonly reclaimPolicy?: 'Retain' | 'Delete' | 'Wipe';
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/**
 * One connection to a machine or a volume, through the agent of its host. Made by the command line, used once, deleted
 * when it ends. Nothing in it is secret: who comes in proves to have the key of the certificate that it names.
 */
export interface Session {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'Session';
  readonly metadata: NamespacedObjectMeta;
  /** What is to be reached, and by whom; never changes. */
  readonly spec: SessionSpec;
  /** Where it is opened. */
  readonly status?: SessionStatus;
}

export interface SessionSpec {
  /**
   * `Console` is the machine's serial console; who opens it takes it over from whoever had it. `Graphics` is the server of
   * its graphics, in its own protocol, password and all. `Screenshot` is what its screen shows now. `Upload` fills a volume
   * whose spec.source.upload awaits that. `Plan` tells what the host would do about objects that are shown to it, and does
   * nothing.
   */
  readonly purpose: 'Console' | 'Graphics' | 'Screenshot' | 'Upload' | 'Plan';
  /** The VirtualMachine, in the session's namespace. When absent, it is about no machine. */
  readonly machineRef?: Ref;
  /** The StorageVolume, in the session's namespace. When absent, it is about no volume. */
  readonly volumeRef?: Ref;
  /** The Hypervisor whose agent is asked. When absent, it is about no host as a whole. */
  readonly hypervisorRef?: Ref;
  /**
   * SHA-256 of the certificate (DER) that the client made for this one session, in lower-case hex. The agent lets in nobody
   * else.
   */
  readonly certificateSHA256: string;
}

export interface SessionStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** The Hypervisor whose agent opens it. */
  readonly hypervisor?: string;
  /** Where the agent listens, as host:port. */
  readonly address?: string;
  /** SHA-256 of the agent's own certificate; a client sends nothing before it has seen that one. */
  readonly certificateSHA256?: string;
  /** Until when the client may connect. What is connected goes on. */
  readonly expiresAt?: string;
  /** Ready is True once the client may connect. */
  readonly conditions?: readonly Condition[];
}

/** A StoragePool on one hypervisor. The controller makes and deletes these; people only read them. */
export interface StoragePoolInstance {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'StoragePoolInstance';
  readonly metadata: ObjectMeta;
  /** Which pool, and where; never changes. */
  readonly spec: StoragePoolInstanceSpec;
  /** What the host's agent found there. */
  readonly status?: StoragePoolInstanceStatus;
}

export interface StoragePoolInstanceSpec {
  /** The StoragePool. */
  readonly poolRef: Ref;
  /** Name of the Hypervisor. */
  readonly hypervisor: string;
}

export interface StoragePoolInstanceStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** The pool's uuid on the host. */
  readonly uuid?: string;
  /** The pool's name on the host. */
  readonly nativeName?: string;
  /** Where the pool is in the host's file system. */
  readonly path?: string;
  /** What the store holds in all, as a quantity. */
  readonly capacity?: string;
  /** What is used of it, as a quantity. */
  readonly allocated?: string;
  /** What is free, as a quantity. */
  readonly available?: string;
  /** Ready is True when volumes can be made in the pool. */
  readonly conditions?: readonly Condition[];
}

/** A store for volumes, on each of the hypervisors it selects. Its name is a DNS label of at most 63 characters. */
export interface StoragePool {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'StoragePool';
  readonly metadata: ObjectMeta;
  /** What kind of store, where, and for whom. */
  readonly spec: StoragePoolSpec;
  /** How the pool is on its hypervisors. */
  readonly status?: StoragePoolStatus;
}

export interface StoragePoolSpec {
  /** Labels of the Hypervisors that have the pool. When absent, all have it. */
  readonly hypervisorSelector?: Selector;
  /**
   * `PerHost`: each hypervisor has a store of its own. `Shared`: all see one store, so that a volume is made once, and goes
   * with its machine to any of them. Never changes. When absent, `PerHost`.
   */
  readonly span: 'PerHost' | 'Shared';
  /** The namespaces whose volumes may be in the pool. When absent, all. */
  readonly allowedNamespaces: NamespaceChoice;
  /** A directory in the host's file system. When absent, the pool is of another kind. */
  readonly directory?: StoragePoolSpecDirectory;
  /**
   * A file system on a device of the host, mounted by it; it must be there, as nothing is ever formatted. When absent, the
   * pool is of another kind.
   */
  readonly filesystem?: StoragePoolSpecFilesystem;
  /** A directory that an NFS server exports, mounted by the host. When absent, the pool is of another kind. */
  readonly nfs?: StoragePoolSpecNfs;
  /**
   * A volume group of the host; it must be there. Its volumes are devices: Raw alone, and they never grow. When absent, the
   * pool is of another kind.
   */
  readonly lvm?: StoragePoolSpecLvm;
  /** A Gluster volume, mounted by the host. When absent, the pool is of another kind. */
  readonly gluster?: StoragePoolSpecGluster;
  /**
   * A folder of a share that a Windows file server offers by SMB, as \\server\share\folder; it must be there. The host makes
   * and uses what is in it; which files there are, and their deletion, is asked of the file server itself, by WinRM in the
   * host's own way. When absent, the pool is of another kind.
   */
  readonly smb?: StoragePoolSpecSmb;
  /**
   * A ZFS dataset of the host; it must be there. Its volumes are devices: Raw alone, and they never grow. When absent, the
   * pool is of another kind.
   */
  readonly zfs?: StoragePoolSpecZfs;
  /**
   * A disk of the host whose partitions are volumes; it must have a partition table. They are used as they are, by volumes
   * with `existing`: none are made. When absent, the pool is of another kind.
   */
  readonly disk?: StoragePoolSpecDisk;
  /**
   * An iSCSI target whose LUNs are volumes, logged in to by the host. They are used as they are, by volumes with `existing`:
   * none are made. When absent, the pool is of another kind.
   */
  readonly iscsi?: StoragePoolSpecIscsi;
  /**
   * A pool of Ceph's whose RBD images are volumes. They are used as they are, by volumes with `existing`: none are made.
   * When absent, the pool is of another kind.
   */
  readonly rbd?: StoragePoolSpecRbd;
  /**
   * A store that the host has already: it is used as it is, and never made, started, changed or removed. When absent, the
   * pool is of another kind.
   */
  readonly existing?: StoragePoolSpecExisting;
}

export interface StoragePoolSpecDirectory {
  /** Absolute path of the directory, made when it is not there; never changes. */
  readonly path: string;
}

export interface StoragePoolSpecFilesystem {
  /** Path of the device, best one that stays the same over reboots, as /dev/disk/by-uuid/…; never changes. */
  readonly device: string;
  /** What file system it is. When absent, whatever is found on the device. */
  readonly format?: 'Ext4' | 'XFS';
  /**
   * Absolute path of the directory that it is mounted on, made when it is not there; never changes. When absent, one of the
   * pool's own below /var/lib/virtwright/pools.
   */
  readonly path?: string;
}

export interface StoragePoolSpecNfs {
  /** Host name or IPv4 address of the server; never changes. */
  readonly server: string;
  /** Absolute path of the directory on the server; never changes. */
  readonly export: string;
  /** Version of the protocol. When absent, the newest that host and server both have. */
  readonly version?: 'V3' | 'V4' | 'V4.1' | 'V4.2';
  /**
   * Absolute path of the directory that it is mounted on, made when it is not there; never changes. When absent, one of the
   * pool's own below /var/lib/virtwright/pools.
   */
  readonly path?: string;
}

export interface StoragePoolSpecLvm {
  /** Name of the volume group; never changes. */
  readonly volumeGroup: string;
}

export interface StoragePoolSpecGluster {
  /** Host name or IPv4 address of one of its servers; never changes. */
  readonly server: string;
  /** Name of the Gluster volume; never changes. */
  readonly volume: string;
  /**
   * Absolute path of the directory that it is mounted on, made when it is not there; never changes. When absent, one of the
   * pool's own below /var/lib/virtwright/pools.
   */
  readonly path?: string;
}

export interface StoragePoolSpecSmb {
  /** Host name or IPv4 address of the file server, best its full name; never changes. */
  readonly server: string;
  /** Name of the share; never changes. */
  readonly share: string;
  /**
   * The folder in the share, its parts split by one backslash, as machines\web; never changes. When absent, all of the
   * share.
   */
  readonly folder?: string;
  /**
   * Name of the Secret with `username` and `password` of an account that may look into the share's folder and delete files
   * there, as an administrator of the file server; in the operator's own namespace and nowhere else. Changed ones are used
   * when the pool is next started. When absent, the account by which the host itself lets us in.
   */
  readonly credentialsSecretName?: string;
}

export interface StoragePoolSpecZfs {
  /** Name of the dataset, as tank/machines; never changes. */
  readonly dataset: string;
}

export interface StoragePoolSpecDisk {
  /** Path of the disk, best one that stays the same over reboots; never changes. */
  readonly device: string;
  /** What partition table it has. */
  readonly label: 'GPT' | 'DOS';
}

export interface StoragePoolSpecIscsi {
  /** Host name or IPv4 address of the target's portal; never changes. */
  readonly server: string;
  /** Name of the target, as iqn.2030-01.org.example:storage; never changes. */
  readonly target: string;
  /** The name that the host logs in by. When absent, the host's own. */
  readonly initiator?: string;
  /**
   * Name of the Secret with `username` and `password` for CHAP, in the operator's own namespace and nowhere else. Changed
   * ones are used when the pool is next started. When absent, the target asks for none.
   */
  readonly credentialsSecretName?: string;
}

export interface StoragePoolSpecRbd {
  /** Host names or IPv4 addresses of Ceph's monitors, each with its port when that is another than Ceph's own. */
  readonly monitors: readonly string[];
  /** What Ceph calls its pool; never changes. */
  readonly pool: string;
  /** As whom the host comes to Ceph, without `client.` before it; never changes. When absent, Ceph asks for nobody. */
  readonly user?: string;
  /**
   * Name of the Secret with `password`, the user's key as `ceph auth get-key` prints it, in the operator's own namespace and
   * nowhere else. A changed one is used when the pool is next started. When absent, Ceph asks for none.
   */
  readonly credentialsSecretName?: string;
}

export interface StoragePoolSpecExisting {
  /** What the host calls it, to the letter; never changes. */
  readonly name: string;
}

export interface StoragePoolStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** How many hypervisors have the pool. */
  readonly hosts?: StoragePoolStatusHosts;
  /** With span `Shared`: what the one store holds in all, as a quantity. */
  readonly capacity?: string;
  /** With span `Shared`: what is free of it, as a quantity. */
  readonly available?: string;
  /** Hypervisors where the pool is not ready; the first ten. */
  readonly failing?: readonly StoragePoolStatusFailing[];
  /** Ready is True when every selected hypervisor has the pool ready. */
  readonly conditions?: readonly Condition[];
}

export interface StoragePoolStatusHosts {
  /** How many are to have it. */
  readonly desired: number;
  /** How many have it ready. */
  readonly ready: number;
}

export interface StoragePoolStatusFailing {
  /** Name of the Hypervisor. */
  readonly hypervisor: string;
  /** What is wrong there. */
  readonly message: string;
}

/** A disk, empty or filled from an image. Its name has at most 128 characters. */
export interface StorageVolume {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'StorageVolume';
  readonly metadata: NamespacedObjectMeta;
  /** What the volume is to be. */
  readonly spec: StorageVolumeSpec;
  /** What the volume is. */
  readonly status?: StorageVolumeStatus;
}

export interface StorageVolumeSpec {
  /**
   * The StoragePool the volume is in; never changes. When absent, that of source.volumeRef, or else the default pool of the
   * hypervisor it is placed on.
   */
  readonly poolRef?: Ref;
  /**
   * A volume that the store has already, in a pool whose volumes are not made, as a LUN or a partition: it is used as it is,
   * and never filled, grown or deleted. When absent, the volume is made.
   */
  readonly existing?: StorageVolumeSpecExisting;
  /**
   * Of a directory, the most that is unpacked into it. Of all else, what the guest sees, in whole KiB, as `40Gi`; from 1Ki
   * to 4Pi. It may grow, where the host can also while its machine runs, and never shrinks. An image larger than this is
   * refused; after a smaller one the rest is empty.
   */
  readonly size: Size;
  /**
   * How the volume is stored; never changes. `Directory` is a tree of files, for containers. When absent, that of the source
   * if the pool has it, or else the pool's best, chosen when the volume is made and told in `status.format`.
   */
  readonly format?: 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx' | 'Vhd' | 'Directory';
  /**
   * `Full`: all of its room is taken from the pool at once, which takes long and fails where there is not as much; never
   * changes. When absent, as the pool usually does, most often as the volume is written to.
   */
  readonly allocation?: 'Full';
  /** What the volume is filled with when it is made; never changes. When absent, the volume is empty. */
  readonly source?: StorageVolumeSpecSource;
  /**
   * What becomes of the content when this object is deleted: `Retain` leaves it on the host, `Delete` deletes it, `Wipe`
   * deletes it once nothing of it can be read any more. When absent, `Retain`.
   */
  readonly reclaimPolicy: 'Retain' | 'Delete' | 'Wipe';
}

export interface StorageVolumeSpecExisting {
  /** What the host calls it, to the letter, as unit:0:0:1; never changes. */
  readonly name: string;
}

export interface StorageVolumeSpecSource {
  /**
   * Where the image is fetched from, by http or https. Addresses that are not public need a grant of the Hypervisor. When
   * absent, the content comes from elsewhere.
   */
  readonly url?: string;
  /**
   * Format of the image that url or upload gives. It is never guessed; an image of another format is refused. `Tar`, also
   * compressed by gzip or xz, is unpacked into a volume of format Directory. Where the volume is to have another one, it is
   * converted. When absent, there is no image.
   */
  readonly format?: 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx' | 'Tar';
  /**
   * `sha256:` or `sha512:` and the digest in lower-case hex; an image that differs is refused. When absent, what comes is
   * trusted.
   */
  readonly checksum?: string;
  /**
   * The image is brought by somebody, with `virtwright upload FILE VOLUME`: until then the volume waits. When absent, the
   * content comes from elsewhere.
   */
  readonly upload?: Readonly<Record<string, never>>;
  /**
   * The StorageVolume, in the same namespace and on the same hypervisor, that is copied. When absent, the content comes from
   * elsewhere.
   */
  readonly volumeRef?: Ref;
  /**
   * How volumeRef is copied. `Full`: all of it, to stand alone; its machine must be off meanwhile. `Linked`: only what
   * differs from it is stored, in the same pool, as Qcow2, or on Hyper-V in its format; as long as there is one, no machine
   * can have the other as a disk, and it is not deleted. When absent, `Full`.
   */
  readonly clone?: 'Full' | 'Linked';
}

export interface StorageVolumeStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** The state in a word or two, for people and never for logic. */
  readonly printableStatus?: string;
  /** The Hypervisor that has the volume. */
  readonly hypervisor?: string;
  /** Name of the StoragePoolInstance that has the volume. */
  readonly pool?: string;
  /** The volume's name on the host. */
  readonly nativeName?: string;
  /** What a machine's disk is given on the host: a path, or rbd://… for an image of Ceph's. */
  readonly location?: string;
  /** How the volume is stored, as asked or as chosen. */
  readonly format?: 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx' | 'Vhd' | 'Directory';
  /** What the guest sees now, as a quantity. */
  readonly virtualSize?: string;
  /** How far the volume is filled from its source. */
  readonly import?: StorageVolumeStatusImport;
  /** The one machine that may write to the volume. When absent, it is free. */
  readonly claim?: StorageVolumeStatusClaim;
  /** Ready is True when a machine can use the volume. */
  readonly conditions?: readonly Condition[];
}

export interface StorageVolumeStatusImport {
  /** When the first attempt began. Absent once all is there. */
  readonly firstStartedAt?: string;
  /** When the last attempt began. */
  readonly startedAt?: string;
  /** When all was there and verified. When absent, the content is incomplete. */
  readonly completedAt?: string;
  /** What was fetched so far, as a quantity. */
  readonly transferred?: string;
  /** Attempts that failed in a row. */
  readonly failures?: number;
  /** Why the last one failed, for people. */
  readonly lastFailure?: string;
  /** The next attempt is not before this time. */
  readonly retryAt?: string;
}

export interface StorageVolumeStatusClaim {
  /** Name of the VirtualMachine. */
  readonly machine: string;
  /** Its uid. */
  readonly uid: string;
}

/** One verb on one machine, done at most once. */
export interface VirtualMachineAction {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'VirtualMachineAction';
  readonly metadata: NamespacedObjectMeta;
  /** What is to be done; never changes. */
  readonly spec: VirtualMachineActionSpec;
  /** What came of it. */
  readonly status?: VirtualMachineActionStatus;
}

export interface VirtualMachineActionSpec {
  /** The VirtualMachine, in the action's namespace. */
  readonly machineRef: Ref;
  /**
   * `Start` and `Stop` fail where the machine's runStrategy wants the opposite. `Restart` stops the machine and starts it
   * again. `Pause` freezes the guest until `Resume`. `Reset` is the reset button: the guest is not asked. `Save` writes what
   * runs to the host's disk and switches the machine off; its next start goes on from there, with the hardware that it had,
   * and `Stop` with mode `Hard` drops what was saved.
   */
  readonly verb: 'Start' | 'Stop' | 'Restart' | 'Pause' | 'Resume' | 'Reset' | 'Save';
  /**
   * How the machine is stopped, with `Stop` and `Restart`; `Soft` fails when the guest is still there after the machine's
   * spec.stop.timeoutSeconds. When absent, as the machine's spec.stop says.
   */
  readonly mode?: 'Soft' | 'TrySoft' | 'Hard';
  /** The action is deleted this long after it finished. When absent, never. */
  readonly ttlSecondsAfterFinished?: number;
}

export interface VirtualMachineActionStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** The Hypervisor that does it. */
  readonly hypervisor?: string;
  /** When it was begun. An action that was begun is never begun again. */
  readonly startedAt?: string;
  /** When its outcome was known. */
  readonly finishedAt?: string;
  /** `Unknown` when it was begun and the agent was lost before it saw the end. When absent, it is not finished. */
  readonly outcome?: 'Succeeded' | 'Failed' | 'Unknown';
  /** What came of it, for people. */
  readonly message?: string;
  /** Ready is True when the action succeeded. */
  readonly conditions?: readonly Condition[];
}

/** A machine on one of the hypervisors. Its name is a DNS label of at most 63 characters. */
export interface VirtualMachine {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'VirtualMachine';
  readonly metadata: NamespacedObjectMeta;
  /** What the machine is to be. */
  readonly spec: VirtualMachineSpec;
  /** What the machine is. */
  readonly status?: VirtualMachineStatus;
}

export interface VirtualMachineSpec {
  /** The uuid that the guest and the host see, in lower case; never changes once set. When absent, the uid of this object. */
  readonly uuid?: string;
  /**
   * When the machine runs. `Always`: after any stop it is started again. `RerunOnFailure`: started, and started again only
   * after a crash, a failure of the host, or once it was `Halted`. `Once`: started once, never again. `Manual`: started and
   * stopped only by VirtualMachineActions. `Halted`: stopped. When absent, `Always`.
   */
  readonly runStrategy: 'Always' | 'RerunOnFailure' | 'Once' | 'Manual' | 'Halted';
  /**
   * How the machine is stopped: by its run strategy, by an action that says no other mode, and before deletion. When absent,
   * `TrySoft` within 120 seconds.
   */
  readonly stop: VirtualMachineSpecStop;
  /**
   * Which changes come about by themselves; others wait, and status.pendingChanges says for what. When absent, those that
   * need no restart.
   */
  readonly updatePolicy?: VirtualMachineSpecUpdatePolicy;
  /**
   * What becomes of what others change on the host. `Enforce`: it is put back, as updatePolicy allows. `Observe`: it stays,
   * and status.drift tells of it. `Accept`: it stays, and counts instead of what is declared, until something else is
   * declared; what was changed in what runs alone stays until the next start. When absent, `Enforce`.
   */
  readonly driftPolicy?: 'Enforce' | 'Observe' | 'Accept';
  /**
   * Fields for which another policy holds than driftPolicy; of several that fit, the longest. When absent, driftPolicy holds
   * for all.
   */
  readonly driftRules?: readonly VirtualMachineSpecDriftRule[];
  /** Where the machine may run. When absent, on any hypervisor that it fits. */
  readonly placement?: VirtualMachineSpecPlacement;
  /** The machine's processors. When absent, one. */
  readonly cpu: VirtualMachineSpecCpu;
  /** The machine's memory. */
  readonly memory: VirtualMachineSpecMemory;
  /** What the machine starts with. When absent, the host's best, chosen when it is first defined and kept from then on. */
  readonly firmware?: VirtualMachineSpecFirmware;
  /** What the machine boots. When absent, its first bootable disk. */
  readonly boot?: VirtualMachineSpecBoot;
  /** The machine's disks. When absent, it has none. */
  readonly disks?: readonly VirtualMachineSpecDisk[];
  /**
   * The machine's network interfaces; `[]` for none. When absent, a new machine has one, called `default`, on the
   * Hypervisor's default network where there is one, and keeps it.
   */
  readonly interfaces?: readonly VirtualMachineSpecInterface[];
  /** Further devices. Each is there when it is named, be it as `{}`. When absent, there are none. */
  readonly devices?: VirtualMachineSpecDevices;
  /**
   * What the guest's cloud-init is told at its first boot, by its data source NoCloud: the machine's uuid as instance id,
   * its host name, and what is said here. It comes on a small drive that the guest can only read, kept in the Hypervisor's
   * system pool; on Hyper-V it needs none, and is a disc in a DVD drive of its own, where files of the host are reached by
   * SMB. A change is taken up at the next start. When absent, and the Hypervisor has a system pool that this is kept in, a
   * new machine is told the object's name as its host name, unless ignition or sysprep tell it something else.
   */
  readonly cloudInit?: VirtualMachineSpecCloudInit;
  /**
   * What the guest's Ignition is told at its first boot, in the way that it asks its hypervisor for. A change is taken up at
   * the next start. When absent, nothing.
   */
  readonly ignition?: VirtualMachineSpecIgnition;
  /**
   * The answers for the setup of Windows, on a CD-ROM as Autounattend.xml and as Unattend.xml. On Hyper-V that needs no
   * system pool, and that files of the host are reached by SMB. A change is taken up at the next start. When absent, there
   * are none.
   */
  readonly sysprep?: VirtualMachineSpecSysprep;
  /**
   * A container instead of a machine: it shares the kernel of its host, and has a directory as its root instead of firmware,
   * kernel and disks. Its users are nobody's on the host. Refused on hosts without containers. When absent, the machine is
   * none.
   */
  readonly container?: VirtualMachineSpecContainer;
  /** What only vSphere has a word for; refused on other hosts. When absent, nothing. */
  readonly vsphere?: VirtualMachineSpecVsphere;
  /** What only Hyper-V has a word for; refused on other hosts. When absent, the host's choice. */
  readonly hyperv?: VirtualMachineSpecHyperv;
  /** What only Xen has a word for; refused on other hosts. When absent, PVH where the host has it, else PV. */
  readonly xen?: VirtualMachineSpecXen;
}

export interface VirtualMachineSpecStop {
  /**
   * `Soft` presses the power button and waits for ever. `TrySoft` presses it, and cuts the power after timeoutSeconds.
   * `Hard` cuts the power at once. When absent, `TrySoft`.
   */
  readonly mode: 'Soft' | 'TrySoft' | 'Hard';
  /**
   * How long `TrySoft` waits for the guest before it cuts the power, and an action of mode `Soft` before it fails; else
   * `Soft` and `Hard` take no notice of it. When absent, 120.
   */
  readonly timeoutSeconds: number;
}

export interface VirtualMachineSpecUpdatePolicy {
  /**
   * Classes of changes that nobody need be asked about. `Live` goes while the machine runs, with `Hotplug` its guest sees
   * hardware come and go. `Restart`: for a change that needs it, the machine is stopped as `stop` says and started again,
   * but not one that runs `Once`. `Recreate`: for a change that its host makes in no machine that is there, it is stopped,
   * forgotten and made anew with the same disks. When absent, `Live` and `Hotplug`.
   */
  readonly allow: readonly ('Live' | 'Hotplug' | 'Restart' | 'Recreate')[];
}

export interface VirtualMachineSpecDriftRule {
  /** Path of the field, or of what it is in: `spec.memory.size`, `spec.disks[root].cache`, `spec.disks[root]`, `spec.disks`. */
  readonly field: string;
  /** As driftPolicy. */
  readonly policy: 'Enforce' | 'Observe' | 'Accept';
}

export interface VirtualMachineSpecPlacement {
  /** The one Hypervisor to run on. When absent, the selector chooses. */
  readonly hypervisorRef?: Ref;
  /** Labels of the Hypervisors to choose from. When absent, all of them. */
  readonly hypervisorSelector?: Selector;
  /** Taints of Hypervisors that the machine may be placed in spite of. When absent, none. */
  readonly tolerations?: readonly VirtualMachineSpecPlacementToleration[];
  /**
   * Machines that this one is to be in one place with: each term asks for a place where such a machine is. Looked at when it
   * is placed. When absent, none.
   */
  readonly affinity?: readonly VirtualMachineSpecPlacementAffinity[];
  /**
   * Machines that this one is to share no place with; they are kept away from it, too. Looked at when one of them is placed.
   * When absent, none.
   */
  readonly antiAffinity?: readonly VirtualMachineSpecPlacementAntiAffinity[];
  /** Of the hosts that suit, `Spread` takes the emptiest, `Pack` the fullest. When absent, `Spread`. */
  readonly policy: 'Spread' | 'Pack';
}

export interface VirtualMachineSpecPlacementToleration {
  /** Key of the taint. */
  readonly key: string;
  /** Its value. When absent, any. */
  readonly value?: string;
}

export interface VirtualMachineSpecPlacementAffinity {
  /** Name of the term, for messages; a DNS label. */
  readonly name: string;
  /** Labels of the machines meant, in the namespace of this one. */
  readonly selector: Selector;
  /**
   * A label of Hypervisors, as `zone`: hosts with the same value of it are one place, a host without it is in none. When
   * absent, each host is a place.
   */
  readonly topologyKey?: string;
  /**
   * `Require` leaves a machine without a host rather than go against it; `Prefer` takes the better host. When absent,
   * `Require`.
   */
  readonly mode: 'Require' | 'Prefer';
}

export interface VirtualMachineSpecPlacementAntiAffinity {
  /** Name of the term, for messages; a DNS label. */
  readonly name: string;
  /** Labels of the machines meant, in the namespace of this one. */
  readonly selector: Selector;
  /**
   * A label of Hypervisors, as `zone`: hosts with the same value of it are one place, a host without it is in none. When
   * absent, each host is a place.
   */
  readonly topologyKey?: string;
  /**
   * `Require` leaves a machine without a host rather than go against it; `Prefer` takes the better host. When absent,
   * `Require`.
   */
  readonly mode: 'Require' | 'Prefer';
}

export interface VirtualMachineSpecCpu {
  /** How many virtual processors the guest sees. When absent, 1. */
  readonly count: number;
  /**
   * Up to how many there can be while the machine runs; a change of it waits for the next start. When absent, count, or what
   * the machine has already.
   */
  readonly maxCount?: number;
  /**
   * How much of the host's time it has where machines want more than there is: one with twice the shares of another has
   * twice the time. Hosts reckon those that say nothing as 100, or as 1024 where they have cgroups of version 1. More than
   * 100 is had by grant of the Hypervisor alone (`spec.grants[].cpuShares`). Changes while the machine runs. When absent,
   * the host's usual, or as it is.
   */
  readonly shares?: number;
}

export interface VirtualMachineSpecMemory {
  /**
   * Down to how much memory the host may leave the machine while its guest uses no more (dynamic memory), in whole KiB, as
   * `512Mi`; it starts with size. A change of it waits for the next start. When absent, size, or what the machine has
   * already.
   */
  readonly minSize?: Size;
  /**
   * To how much memory the machine can grow while it runs, in whole KiB, as `32Gi`; a change of it waits for the next start.
   * The guest needs a balloon driver, which takes from it what size does not give. On Hyper-V the host gives and takes by
   * itself, as the guest needs it (dynamic memory). When absent, size, or what the machine has already.
   */
  readonly maxSize?: Size;
  /** How much memory the guest has, in whole KiB, as `8Gi`; from 1Mi to 64Ti. */
  readonly size: Size;
}

export interface VirtualMachineSpecFirmware {
  /**
   * `BIOS` or `UEFI`. A change is taken up at the next start; a system that was installed with the one seldom boots with the
   * other.
   */
  readonly type: 'BIOS' | 'UEFI';
  /**
   * Whether UEFI boots only what is signed, with Microsoft's keys or those that a system adds to them. What UEFI wrote down
   * with it and without it are two things, so boot entries are made anew after a change, which is taken up at the next
   * start. When absent, as it is, and without at first.
   */
  readonly secureBoot?: boolean;
  /**
   * A trusted platform module: `V2` is TPM 2.0, emulated by the host. What it keeps is the machine's own, follows the first
   * disk when the machine is deleted, and is not encrypted on the host. A change is taken up at the next start. When absent,
   * there is none.
   */
  readonly tpm?: 'V2';
}

export interface VirtualMachineSpecBoot {
  /**
   * Names of disks and interfaces, in the order in which firmware tries them; where both have one of that name, the disk is
   * meant. When absent, the host's choice, or as it is.
   */
  readonly order?: readonly string[];
  /** A kernel to boot directly, without firmware or boot loader. When absent, firmware boots as order says. */
  readonly kernel?: VirtualMachineSpecBootKernel;
}

export interface VirtualMachineSpecBootKernel {
  /** The StorageVolume that holds the kernel, of format Raw. */
  readonly volumeRef: Ref;
  /** The StorageVolume that holds the initial RAM disk, of format Raw. When absent, there is none. */
  readonly initrdVolumeRef?: Ref;
  /** The kernel's command line, as `console=ttyS0`. When absent, it is empty. */
  readonly commandLine?: string;
}

export interface VirtualMachineSpecDisk {
  /** Name of the disk in this machine; a DNS label of at most 20 characters. */
  readonly name: string;
  /**
   * The StorageVolume that is the disk, in the machine's namespace. When absent, the disk is made from volumeTemplate, or it
   * is a CD-ROM drive.
   */
  readonly volumeRef?: Ref;
  /**
   * A drive that the guest only reads from. Discs are put in and taken out while the machine runs. When absent, it is a
   * disk.
   */
  readonly cdrom?: VirtualMachineSpecDiskCdrom;
  /**
   * What StorageVolume `<machine>-<disk>` is made from when there is none; one that an earlier machine of this name left is
   * used again as it is. When absent, the disk is the one that volumeRef names.
   */
  readonly volumeTemplate?: VirtualMachineSpecDiskVolumeTemplate;
  /**
   * How the guest sees the disk. When absent, the host's best, chosen when the disk is first defined and kept from then on.
   * `NVMe` is for disks only, each on a controller of its own, and comes and goes with the machine off. `IDE` and `SCSI` are
   * Hyper-V's, `XenBlk` is Xen's.
   */
  readonly bus?: 'VirtioBlk' | 'VirtioScsi' | 'SATA' | 'NVMe' | 'Pvscsi' | 'LsiLogic' | 'IDE' | 'SCSI' | 'XenBlk';
  /**
   * How the host caches what is written. `None` goes around its memory, `WriteBack` counts on the guest's flushes,
   * `WriteThrough` and `DirectSync` write through to the store, with its memory and around it, and `Unsafe` loses what was
   * flushed when the host fails. When absent, the host's choice, or as it is.
   */
  readonly cache?: 'None' | 'WriteBack' | 'WriteThrough' | 'DirectSync' | 'Unsafe';
  /**
   * By which of the host's ways requests are carried out; `Native` needs cache None or DirectSync. When absent, the host's
   * choice, or as it is.
   */
  readonly io?: 'Native' | 'Threads' | 'IoUring';
  /** Whether what the guest discards is given back to the store. When absent, the host's choice, or as it is. */
  readonly discard?: 'Ignore' | 'Unmap';
  /**
   * The most that the guest may do per second. What is not named here is not limited; `{}` takes all limits away. When
   * absent, limits that were asked for here before are taken away, and those that others have set stay.
   */
  readonly limits?: VirtualMachineSpecDiskLimits;
  /** Serial number that the guest sees. When absent, one is made of the disk's name. */
  readonly serial?: string;
}

export interface VirtualMachineSpecDiskCdrom {
  /**
   * `Empty` says that no disc is in it, in a word that `kubectl apply --server-side` understands, which makes nothing of an
   * object that becomes empty. When absent, volumeRef tells.
   */
  readonly tray?: 'Empty';
  /**
   * The StorageVolume that is the disc, of format Raw, in the machine's namespace; many machines may have it at a time. When
   * absent, the tray is empty.
   */
  readonly volumeRef?: Ref;
}

export interface VirtualMachineSpecDiskVolumeTemplate {
  /**
   * The StoragePool that the volume is made in; never changes. When absent, that of source.volumeRef, or else the default
   * pool of the hypervisor that the machine is placed on.
   */
  readonly poolRef?: Ref;
  /**
   * What the guest sees, in whole KiB, as `40Gi`; from 1Ki to 4Pi. It may grow and never shrinks. An image larger than this
   * is refused; after a smaller one the rest is empty.
   */
  readonly size: Size;
  /**
   * How the volume is stored; never changes. When absent, that of the source if the pool has it, or else the pool's best,
   * chosen when the volume is made and told in its `status.format`.
   */
  readonly format?: 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx' | 'Vhd';
  /** What the volume is filled with when it is made; never changes. When absent, the volume is empty. */
  readonly source?: VirtualMachineSpecDiskVolumeTemplateSource;
  /**
   * What becomes of the volume when the machine is deleted: `Retain` leaves the StorageVolume and what is in it, `Delete`
   * deletes both. When absent, `Retain`.
   */
  readonly whenDeleted: 'Retain' | 'Delete';
}

export interface VirtualMachineSpecDiskVolumeTemplateSource {
  /**
   * Where the image is fetched from, by http or https. Addresses that are not public need a grant of the Hypervisor. When
   * absent, the content comes from elsewhere.
   */
  readonly url?: string;
  /**
   * Format of the image that url or upload gives. It is never guessed; an image of another format is refused. Where the
   * volume is to have another one, it is converted. When absent, there is no image.
   */
  readonly format?: 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx';
  /**
   * `sha256:` or `sha512:` and the digest in lower-case hex; an image that differs is refused. When absent, what comes is
   * trusted.
   */
  readonly checksum?: string;
  /**
   * The image is brought by somebody, with `virtwright upload FILE VOLUME`: until then the volume waits. When absent, the
   * content comes from elsewhere.
   */
  readonly upload?: Readonly<Record<string, never>>;
  /**
   * The StorageVolume, in the same namespace and on the same hypervisor, that is copied. When absent, the content comes from
   * elsewhere.
   */
  readonly volumeRef?: Ref;
  /**
   * How volumeRef is copied. `Full`: all of it, to stand alone; its machine must be off meanwhile. `Linked`: only what
   * differs from it is stored, in the same pool, as Qcow2, or on Hyper-V in its format; as long as there is one, no machine
   * can have the other as a disk, and it is not deleted. When absent, `Full`.
   */
  readonly clone?: 'Full' | 'Linked';
}

export interface VirtualMachineSpecDiskLimits {
  /** Requests. When absent, reads and writes have their own. */
  readonly totalIops?: number;
  /** Requests to read. When absent, not limited. */
  readonly readIops?: number;
  /** Requests to write. When absent, not limited. */
  readonly writeIops?: number;
  /** Bytes, as `50Mi`. When absent, reads and writes have their own. */
  readonly totalBytes?: Size;
  /** Bytes to read, as `50Mi`. When absent, not limited. */
  readonly readBytes?: Size;
  /** Bytes to write, as `50Mi`. When absent, not limited. */
  readonly writeBytes?: Size;
}

export interface VirtualMachineSpecInterface {
  /** Name of the interface in this machine; a DNS label of at most 20 characters. */
  readonly name: string;
  /** The VirtualNetwork that it is attached to, in the machine's namespace. */
  readonly networkRef: Ref;
  /** What the guest sees. When absent, the host's best, chosen when the interface is first defined and kept from then on. */
  readonly model?: 'Virtio' | 'E1000e' | 'Vmxnet3' | 'Synthetic' | 'XenNet';
  /** The largest packet, in bytes; takes effect at the next start. When absent, the network's, or as it is. */
  readonly mtu?: number;
  /**
   * The tag (IEEE 802.1Q) that its frames have on the network, and the guest does not see; a grant of the Hypervisor must
   * name it for this namespace. When absent, none.
   */
  readonly vlan?: number;
  /** Whether its cable is plugged in. When absent, `Up`. */
  readonly linkState: 'Up' | 'Down';
  /**
   * Its MAC address, in lower case. When absent, the host chooses one when the interface is first defined, and it is kept
   * from then on.
   */
  readonly macAddress?: string;
}

export interface VirtualMachineSpecDevices {
  /** A serial port, with its console. When absent, there is none. */
  readonly serial?: Readonly<Record<string, never>>;
  /** A source of random numbers, fed by the host's. When absent, there is none. */
  readonly rng?: Readonly<Record<string, never>>;
  /**
   * A channel by which QEMU's agent in the guest, where one is installed, tells its addresses, host name and system. When
   * absent, there is none.
   */
  readonly guestAgent?: Readonly<Record<string, never>>;
  /**
   * A screen, with keyboard and pointer, that is reached through the host's agent: its server listens on the host itself and
   * nowhere else, and asks for a password. A video device comes with it, the host's best. It comes and goes at the next
   * start; a changed password holds for viewers to come. When absent, there is none.
   */
  readonly graphics?: VirtualMachineSpecDevicesGraphics;
}

export interface VirtualMachineSpecDevicesGraphics {
  /** How viewers speak with it. */
  readonly type: 'VNC';
  /**
   * A Secret that has the password, of 1 to 8 printable ASCII characters, which is all that VNC heeds. When absent, one is
   * made up, and kept under key `password` in a Secret of the machine's own, called as the machine and `-graphics`.
   */
  readonly passwordSecretRef?: SecretKeyRef;
}

export interface SecretKeyRef {
  readonly name: string;
  readonly key: string;
}

export interface VirtualMachineSpecCloudInit {
  /** The guest's host name. When absent, the object's name. */
  readonly hostname?: string;
  /** User data, as a `#cloud-config` or a script. Everybody who may read this object may read it. When absent, there is none. */
  readonly userData?: string;
  /** A Secret that has the user data. When absent, there is none. */
  readonly userDataSecretRef?: SecretKeyRef;
  /** The network configuration, version 1 or 2, in YAML. When absent, the guest's own. */
  readonly networkData?: string;
  /** A Secret that has the network configuration. When absent, the guest's own. */
  readonly networkDataSecretRef?: SecretKeyRef;
}

export interface VirtualMachineSpecIgnition {
  /** The configuration, in JSON. Everybody who may read this object may read it. When absent, the Secret has it. */
  readonly config?: string;
  /** A Secret that has the configuration. When absent, it stands in `config`. */
  readonly configSecretRef?: SecretKeyRef;
}

export interface VirtualMachineSpecSysprep {
  /** The answer file, in XML. Everybody who may read this object may read it. When absent, the Secret has it. */
  readonly answerFile?: string;
  /** A Secret that has the answer file. When absent, it stands in `answerFile`. */
  readonly answerFileSecretRef?: SecretKeyRef;
}

export interface VirtualMachineSpecContainer {
  /**
   * The StorageVolume, of format Directory and in the same namespace, that is its root. It has one writer. When absent,
   * rootHostPath is its root.
   */
  readonly rootVolumeRef?: Ref;
  /**
   * A directory of the host that is its root, as `/srv/roots/web`; only where the Hypervisor grants it to this namespace.
   * Nobody sees to it that another has it not. When absent, rootVolumeRef is its root.
   */
  readonly rootHostPath?: string;
  /**
   * Whether its users are the host's own: who is root in it is root on the host. Only where the Hypervisor grants it to this
   * namespace. Takes effect at the next start. When absent, they are nobody's.
   */
  readonly privileged?: boolean;
  /**
   * What runs first in it, by its path there, and its arguments; the container ends with it. It is asked to stop by SIGTERM.
   * When absent, `/sbin/init`.
   */
  readonly init: readonly string[];
  /** Further directories that it has. When absent, none. */
  readonly mounts?: readonly VirtualMachineSpecContainerMount[];
  /**
   * The most that it may do per second on each of the host's disks that its directories are on. Where the host has cgroups
   * of version 1, what is written by way of the host's cache is not counted. What is not named here is not limited; `{}`
   * takes all limits away. Changes while it runs. When absent, as it is, and without limits at first.
   */
  readonly limits?: VirtualMachineSpecContainerLimits;
}

export interface VirtualMachineSpecContainerMount {
  /** Where it has this one, as `/var/lib/data`. */
  readonly path: string;
  /** The StorageVolume, of format Directory and in the same namespace. When absent, hostPath is meant. */
  readonly volumeRef?: Ref;
  /**
   * A directory of the host, as `/srv/media`; only where the Hypervisor grants it to this namespace. Any number of machines
   * may have it. When absent, volumeRef is meant.
   */
  readonly hostPath?: string;
  /** `ReadWrite`, and then no other machine has the volume; or `ReadOnly`, which any number may. When absent, `ReadWrite`. */
  readonly access: 'ReadWrite' | 'ReadOnly';
}

export interface VirtualMachineSpecContainerLimits {
  /** Requests to read. When absent, not limited. */
  readonly readIops?: number;
  /** Requests to write. When absent, not limited. */
  readonly writeIops?: number;
  /** Bytes to read, as `50Mi`. When absent, not limited. */
  readonly readBytes?: Size;
  /** Bytes to write, as `50Mi`. When absent, not limited. */
  readonly writeBytes?: Size;
}

export interface VirtualMachineSpecVsphere {
  /** vSphere's name of the guest's operating system, as `debian12_64Guest`: hosts choose defaults by it. */
  readonly guestId: string;
}

export interface VirtualMachineSpecHyperv {
  /**
   * How much memory more than its guest uses the host keeps for the machine, in percent of that; goes with `memory.minSize`
   * or `memory.maxSize`, which make its memory dynamic. When absent, as it is, and the host's choice at first.
   */
  readonly memoryBufferPercent?: number;
  /**
   * COM ports of the machine that a program on its host can speak with: a debugger, or what keeps a log. Each ends in a
   * named pipe of that host, `\\.\pipe\virtwright-<uuid>-com1`, which no other machine has; `status.hardware` tells it. When
   * absent, none, and what others connected stays; to connect or disconnect one takes a restart.
   */
  readonly comPorts?: readonly VirtualMachineSpecHypervComPort[];
}

export interface VirtualMachineSpecHypervComPort {
  /** The guest's name of it, in Windows; in Linux they are ttyS0 and ttyS1. */
  readonly port: 'COM1' | 'COM2';
}

export interface VirtualMachineSpecXen {
  /**
   * How it is virtualised. `PV`: its kernel knows that it runs on Xen and asks it for all that a kernel does itself; `PVH`:
   * the same without emulated hardware, in a container that the CPU keeps. Both begin with `boot.kernel`, and find their
   * disks at `/dev/xvda` and their console at `hvc0`. `HVM`: with all that a PC has, firmware among it, for any system. A
   * machine that was made as HVM stays so, and none becomes it.
   */
  readonly mode: 'PV' | 'PVH' | 'HVM';
}

export interface VirtualMachineStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** The state in a word or two, for people and never for logic. */
  readonly printableStatus?: string;
  /** The Hypervisor that the machine is bound to. */
  readonly hypervisor?: string;
  /** The machine's uuid on the host. */
  readonly uuid?: string;
  /** The machine's name on the host. */
  readonly nativeName?: string;
  /** Whether the machine runs, as last seen. */
  readonly power?: VirtualMachineStatusPower;
  /** What "the host's best" became, as `machine` to `pc-q35-7.2`; kept through upgrades of the host. */
  readonly hardware?: Readonly<Record<string, string>>;
  /** Where the machine's screen is to be had, as far as that is no secret. */
  readonly graphics?: VirtualMachineStatusGraphics;
  /** The StoragePoolInstance that keeps what the guest is told at its first boot. */
  readonly seedPool?: string;
  /**
   * Others made it, and it was adopted. It keeps its screen's password, if it has one, and leaves its host only where
   * nothing of it is lost by that, or with the annotation virtwright.io/adopt=false.
   */
  readonly adopted?: boolean;
  /**
   * What it was adopted with and no manifest can say. Should it vanish from its host, it is made anew without only with the
   * annotation virtwright.io/adopt=false.
   */
  readonly adoptedWith?: string;
  /** The host that had it before, which gave it up. Nothing is adopted for it any more. */
  readonly movedFrom?: string;
  /** What the host forgets about the machine's starts and stops, written down before they are done. */
  readonly run?: VirtualMachineStatusRun;
  /** The disks that the machine has on the host. */
  readonly volumes?: readonly VirtualMachineStatusVolume[];
  /** The network interfaces that the machine has on the host. */
  readonly interfaces?: readonly VirtualMachineStatusInterface[];
  /**
   * The MAC addresses that its interfaces ask for, and which of them it has: nobody else on the network is given those. What
   * it asked for before it keeps until it is Ready without.
   */
  readonly macAddressClaims?: readonly VirtualMachineStatusMacAddressClaim[];
  /** What the agent in the guest says of it. Nothing proves it. */
  readonly guest?: VirtualMachineStatusGuest;
  /** Why the machine is not placed. */
  readonly placement?: VirtualMachineStatusPlacement;
  /** What maintenance of its host means for the machine. Absent when nothing. */
  readonly evacuation?: VirtualMachineStatusEvacuation;
  /** Fields whose change waits for something. */
  readonly pendingChanges?: readonly VirtualMachineStatusPendingChange[];
  /** Fields that another hand has changed on the host: what is so still, and for an hour what was put back. */
  readonly drift?: readonly VirtualMachineStatusDrift[];
  /** Ready is True when the desired state is reached (a machine that is to be off and is off is Ready). */
  readonly conditions?: readonly Condition[];
}

export interface VirtualMachineStatusPower {
  /** `Unknown` while the host is not reached. */
  readonly state: 'Running' | 'Stopped' | 'Paused' | 'Stopping' | 'Unknown';
  /** Why it is in this state. */
  readonly reason: 'Booted' | 'Guest' | 'Cut' | 'Orderly' | 'Crashed' | 'Failed' | 'Saved' | 'User' | 'StartingUp' | 'IOError' | 'Busy' | 'Unknown';
}

export interface VirtualMachineStatusGraphics {
  /** How viewers speak with it. */
  readonly type: 'VNC';
  /** The Secret that has the password. Absent for a machine that was adopted with one, or with none, that nobody told us. */
  readonly passwordSecretRef?: SecretKeyRef;
}

export interface VirtualMachineStatusRun {
  /** Identity of the last start. */
  readonly bootId?: string;
  /** When the last start was asked of the host. */
  readonly startedAt?: string;
  /** Starts and runs that failed in a row. */
  readonly failures?: number;
  /** When a start or a run last failed. */
  readonly lastFailureAt?: string;
  /** The next start after a failure is not before this time. */
  readonly retryAt?: string;
  /** When the stop now under way was first asked. */
  readonly stopRequestedAt?: string;
  /** It was on when it was stopped to leave its host, or for a change: it is started again. */
  readonly resumes?: boolean;
  /** How the machine last came to be off. */
  readonly lastStop?: VirtualMachineStatusRunLastStop;
}

export interface VirtualMachineStatusRunLastStop {
  /**
   * It was `Requested`, the `Guest` powered itself off, power was `Cut` by another hand, its end was `Orderly` and the host
   * does not tell which of these, guest or hypervisor `Crashed`, the start `Failed`, state was `Saved`, or nobody knows.
   */
  readonly cause: 'Requested' | 'Guest' | 'Cut' | 'Orderly' | 'Crashed' | 'Failed' | 'Saved' | 'Unknown';
  /** When it was seen to be off. */
  readonly time: string;
  /** Identity of the start that it ended. */
  readonly bootId?: string;
}

export interface VirtualMachineStatusVolume {
  /** Name of the disk. */
  readonly name: string;
  /** Name of the StorageVolume. */
  readonly volume: string;
  /** Where the host put the disk, as `vda`. */
  readonly target?: string;
}

export interface VirtualMachineStatusInterface {
  /** Name of the interface. */
  readonly name: string;
  /** Its MAC address, also when the host chose it. */
  readonly macAddress?: string;
  /** Its addresses since the machine was last started, the IPv4 ones first. Nothing proves them: a guest says what it likes. */
  readonly addresses?: readonly VirtualMachineStatusInterfaceAddresse[];
}

export interface VirtualMachineStatusInterfaceAddresse {
  /** The address. */
  readonly ip: string;
  /** Who says so: the `Agent` in the guest, a `Lease` of the host's DHCP server, or `ARP`, the host's table of neighbours. */
  readonly source: 'Agent' | 'Lease' | 'ARP';
}

export interface VirtualMachineStatusMacAddressClaim {
  /** Name of the interface. */
  readonly name: string;
  /** The VirtualNetwork, in the machine's namespace. */
  readonly network: string;
  /** The address. */
  readonly macAddress: string;
  /** The machine that had it first, as `namespace/name`; absent when this one has it. */
  readonly heldBy?: string;
}

export interface VirtualMachineStatusGuest {
  /** Its host name. */
  readonly hostname?: string;
  /** Its operating system. */
  readonly os?: VirtualMachineStatusGuestOs;
}

export interface VirtualMachineStatusGuestOs {
  /** In one word, as `debian`. */
  readonly id?: string;
  /** For people, as `Debian GNU/Linux 12 (bookworm)`. */
  readonly name?: string;
  /** As `12`. */
  readonly version?: string;
  /** Release of its kernel, as `6.1.0`. */
  readonly kernel?: string;
}

export interface VirtualMachineStatusPlacement {
  /** How many Hypervisors did not suit, by reason. */
  readonly reasons?: readonly VirtualMachineStatusPlacementReason[];
  /** Hypervisors that did not suit, those that came nearest first; ten of them. */
  readonly rejected?: readonly VirtualMachineStatusPlacementRejected[];
}

export interface VirtualMachineStatusPlacementReason {
  /** What did not suit, in one word. */
  readonly reason: string;
  /** How many Hypervisors. */
  readonly count: number;
}

export interface VirtualMachineStatusPlacementRejected {
  /** Name of the Hypervisor. */
  readonly hypervisor: string;
  /** What did not suit, in one word. */
  readonly reason: string;
  /** What was asked, and what the host has. */
  readonly message: string;
}

export interface VirtualMachineStatusEvacuation {
  /** The Hypervisor that is to be emptied. */
  readonly from: string;
  /** The Hypervisor that keeps room for it until it has a host again. */
  readonly to?: string;
  /** Since when it is to go. Absent when it stays. */
  readonly requestedAt?: string;
  /** Since when nothing of it is on the host that it comes from, by the word of that host's agent. */
  readonly leftAt?: string;
  /** Why it stays, in one word. */
  readonly reason?: string;
  /** Why it stays, and what to do about it. */
  readonly message?: string;
}

export interface VirtualMachineStatusPendingChange {
  /** Path of the field, as `spec.cpu.count`. */
  readonly field: string;
  /**
   * What the change takes: `Live` and `Hotplug` go while the machine runs, `NextBoot` is read at its next start, `Restart`
   * takes the machine off and on, `Recreate` a machine made anew from its disks; what is `Impossible` its host does not
   * accept.
   */
  readonly class: 'Live' | 'Hotplug' | 'NextBoot' | 'Restart' | 'Recreate' | 'Impossible';
  /** Why it waits, for people. */
  readonly reason: string;
}

export interface VirtualMachineStatusDrift {
  /** Path of the field, as `spec.disks[root].cache`. */
  readonly field: string;
  /** `Present`: it is so. `PutBack`: it was so, within the last hour. */
  readonly state: 'Present' | 'PutBack';
  /** What the manifest says, for people. */
  readonly declared: string;
  /** What was found on the host, for people. */
  readonly found: string;
  /** When this was first seen. */
  readonly since: string;
  /** What becomes of it. */
  readonly treatment: 'Enforce' | 'Observe' | 'Accept';
  /** Where it was found, and what becomes of it, for people. */
  readonly reason: string;
  /** How often it was put back of late. */
  readonly corrections?: number;
  /** When it was last put back. */
  readonly correctedAt?: string;
}

/** A VirtualNetwork on one hypervisor. The controller makes and deletes these; people only read them. */
export interface VirtualNetworkInstance {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'VirtualNetworkInstance';
  readonly metadata: NamespacedObjectMeta;
  /** Which network, and where; never changes. */
  readonly spec: VirtualNetworkInstanceSpec;
  /** What the host's agent found there. */
  readonly status?: VirtualNetworkInstanceStatus;
}

export interface VirtualNetworkInstanceSpec {
  /** The VirtualNetwork, in the same namespace. */
  readonly networkRef: Ref;
  /** Name of the Hypervisor. */
  readonly hypervisor: string;
}

export interface VirtualNetworkInstanceStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** The generation of the VirtualNetwork's spec that this status answers. */
  readonly networkGeneration?: number;
  /** The network's uuid on the host, where it is one of our own. */
  readonly uuid?: string;
  /** The network's name on the host. */
  readonly nativeName?: string;
  /** The host's device that machines are attached by, where the host tells. */
  readonly bridge?: string;
  /**
   * Ready is True when machines can be attached to the network; RestartRequired is True while it runs otherwise than it is
   * defined, as some things change only when no machine is attached.
   */
  readonly conditions?: readonly Condition[];
}

/** A network for machines, on each of the hypervisors it selects. Its name is a DNS label of at most 63 characters. */
export interface VirtualNetwork {
  readonly apiVersion: 'virtwright.io/v1alpha1';
  readonly kind: 'VirtualNetwork';
  readonly metadata: NamespacedObjectMeta;
  /** Which network, and where. */
  readonly spec: VirtualNetworkSpec;
  /** How the network is on its hypervisors. */
  readonly status?: VirtualNetworkStatus;
}

export interface VirtualNetworkSpec {
  /** Labels of the Hypervisors that have the network. When absent, all have it. */
  readonly hypervisorSelector?: Selector;
  /** `PerHost`: what each hypervisor calls so is a network of its own. When absent, `PerHost`. */
  readonly span: 'PerHost';
  /** How frames leave a network that is made for this object. When absent, the network is one that the host has already. */
  readonly forward?: VirtualNetworkSpecForward;
  /** Largest packet, in bytes. When absent, the host's choice, most often 1500. */
  readonly mtu?: number;
  /** The tag (IEEE 802.1Q) that frames of its machines have on the bridge. When absent, they have none. */
  readonly vlan?: number;
  /** The IPv4 subnet, and the host's place in it. When absent, the network has none. */
  readonly ipv4?: VirtualNetworkSpecIpv4;
  /**
   * The IPv6 subnet, and the host's place in it. Machines choose addresses in it where `dhcp` has no ranges. When absent,
   * the network has none.
   */
  readonly ipv6?: VirtualNetworkSpecIpv6;
  /** What the network's own DNS answers beside the names that DHCP knows. When absent, only those. */
  readonly dns?: VirtualNetworkSpecDns;
  /**
   * A network that the host has already: it is used as it is, and never made, started, changed or removed. When absent, the
   * network is made as `forward` says.
   */
  readonly existing?: VirtualNetworkSpecExisting;
}

export interface VirtualNetworkSpecForward {
  /**
   * `None`: machines reach each other and the host (on Hyper-V where `host` says so), nothing else. `NAT`: what leaves has
   * the host's address. `Route`: what leaves has its own, and somebody has to know the way back. `Open`: routed, and the
   * host's firewall is left as it is. `Bridge` and `OpenVSwitch`: machines are on a bridge that the host has, of the one
   * kind or the other. `Direct`: machines are beside the host on one of its devices (macvtap, by which they do not reach the
   * host; on Hyper-V an external switch).
   */
  readonly mode: 'None' | 'NAT' | 'Route' | 'Open' | 'Bridge' | 'OpenVSwitch' | 'Direct';
  /** The host's bridge; a grant of the Hypervisor must name it for this namespace. Only with `Bridge` and `OpenVSwitch`. */
  readonly bridge?: string;
  /**
   * The host's network device; a grant of the Hypervisor must name it for this namespace. Only with `Direct`, and with `NAT`
   * and `Route`, where frames then leave by no other. On Hyper-V what Windows describes the network adapter as.
   */
  readonly device?: string;
  /**
   * `Attached`: the host is on the network, too. `Detached`: it is not, which goes with `None` alone, as a host that lost
   * its network on a device might never be reached again. Only with `None` and `Direct`, and of Hyper-V alone. When absent,
   * `Detached` with `None` and `Attached` with `Direct` there.
   */
  readonly host?: 'Attached' | 'Detached';
}

export interface VirtualNetworkSpecIpv4 {
  /**
   * The host's address and the length of the subnet's prefix, as `10.20.0.1/24`. Where it is not of a private range (RFC
   * 1918, 100.64.0.0/10), or larger than a /16, a grant of the Hypervisor must name the subnet.
   */
  readonly address: string;
  /** What machines are given when they ask. When absent, nothing. */
  readonly dhcp?: VirtualNetworkSpecIpv4Dhcp;
}

export interface VirtualNetworkSpecIpv4Dhcp {
  /** What is given to whoever asks. When absent, only `hosts` are answered. */
  readonly ranges?: readonly VirtualNetworkSpecIpv4DhcpRange[];
  /** Machines that are always given the same address. When absent, none. */
  readonly hosts?: readonly VirtualNetworkSpecIpv4DhcpHost[];
}

export interface VirtualNetworkSpecIpv4DhcpRange {
  /** The first address. */
  readonly start: string;
  /** The last address. */
  readonly end: string;
}

export interface VirtualNetworkSpecIpv4DhcpHost {
  /** The machine's, in lower case, as `52:54:00:12:34:56`. */
  readonly macAddress: string;
  /** What it is given. */
  readonly ip: string;
  /** What it is told to call itself, and DNS knows it as. When absent, it chooses. */
  readonly name?: string;
}

export interface VirtualNetworkSpecIpv6 {
  /**
   * The host's address and the length of the subnet's prefix, as `fd00:20::1/64`. Where it is not unique local (fc00::/7),
   * or larger than a /48, a grant of the Hypervisor must name the subnet.
   */
  readonly address: string;
  /** What machines are given when they ask. When absent, they choose for themselves. */
  readonly dhcp?: VirtualNetworkSpecIpv6Dhcp;
}

export interface VirtualNetworkSpecIpv6Dhcp {
  /** What is given to whoever asks. When absent, only `hosts` are answered. */
  readonly ranges?: readonly VirtualNetworkSpecIpv6DhcpRange[];
  /** Machines that are always given the same address. When absent, none. */
  readonly hosts?: readonly VirtualNetworkSpecIpv6DhcpHost[];
}

export interface VirtualNetworkSpecIpv6DhcpRange {
  /** The first address. */
  readonly start: string;
  /** The last address. */
  readonly end: string;
}

export interface VirtualNetworkSpecIpv6DhcpHost {
  /** The DUID by which the machine asks (RFC 8415), as `0:3:0:1:52:54:0:12:34:56`. */
  readonly duid: string;
  /** What it is given. */
  readonly ip: string;
  /** What it is told to call itself, and DNS knows it as. When absent, it chooses. */
  readonly name?: string;
}

export interface VirtualNetworkSpecDns {
  /**
   * The domain of its names, as `shop.internal`. It is answered here alone, and never asked for elsewhere. When absent,
   * names have none.
   */
  readonly domain?: string;
  /** Names and their addresses. When absent, none. */
  readonly records?: readonly VirtualNetworkSpecDnsRecord[];
}

export interface VirtualNetworkSpecDnsRecord {
  /** The name, with or without the domain. */
  readonly name: string;
  /** Its address. */
  readonly ip: string;
}

export interface VirtualNetworkSpecExisting {
  /** What the host calls it, to the letter; never changes. A grant of the Hypervisor must name it for this namespace. */
  readonly name: string;
}

export interface VirtualNetworkStatus {
  /** The generation of the spec that this status answers; -1 until somebody has looked at it. */
  readonly observedGeneration?: number;
  /** How many hypervisors have the network. */
  readonly hosts?: VirtualNetworkStatusHosts;
  /** Hypervisors where the network is not ready; the first ten. */
  readonly failing?: readonly VirtualNetworkStatusFailing[];
  /** Ready is True when every selected hypervisor has the network ready. */
  readonly conditions?: readonly Condition[];
}

export interface VirtualNetworkStatusHosts {
  /** How many are to have it. */
  readonly desired: number;
  /** How many have it ready. */
  readonly ready: number;
}

export interface VirtualNetworkStatusFailing {
  /** Name of the Hypervisor. */
  readonly hypervisor: string;
  /** What is wrong there. */
  readonly message: string;
}

export const hypervisors = { group: 'virtwright.io', version: 'v1alpha1', plural: 'hypervisors', kind: 'Hypervisor', namespaced: false } as const;
export const sessions = { group: 'virtwright.io', version: 'v1alpha1', plural: 'sessions', kind: 'Session', namespaced: true } as const;
export const storagePoolInstances = { group: 'virtwright.io', version: 'v1alpha1', plural: 'storagepoolinstances', kind: 'StoragePoolInstance', namespaced: false } as const;
export const storagePools = { group: 'virtwright.io', version: 'v1alpha1', plural: 'storagepools', kind: 'StoragePool', namespaced: false } as const;
export const storageVolumes = { group: 'virtwright.io', version: 'v1alpha1', plural: 'storagevolumes', kind: 'StorageVolume', namespaced: true } as const;
export const virtualMachineActions = { group: 'virtwright.io', version: 'v1alpha1', plural: 'virtualmachineactions', kind: 'VirtualMachineAction', namespaced: true } as const;
export const virtualMachines = { group: 'virtwright.io', version: 'v1alpha1', plural: 'virtualmachines', kind: 'VirtualMachine', namespaced: true } as const;
export const virtualNetworkInstances = { group: 'virtwright.io', version: 'v1alpha1', plural: 'virtualnetworkinstances', kind: 'VirtualNetworkInstance', namespaced: true } as const;
export const virtualNetworks = { group: 'virtwright.io', version: 'v1alpha1', plural: 'virtualnetworks', kind: 'VirtualNetwork', namespaced: true } as const;

/** Kind to type. */
export interface Kinds {
  readonly Hypervisor: Hypervisor;
  readonly Session: Session;
  readonly StoragePoolInstance: StoragePoolInstance;
  readonly StoragePool: StoragePool;
  readonly StorageVolume: StorageVolume;
  readonly VirtualMachineAction: VirtualMachineAction;
  readonly VirtualMachine: VirtualMachine;
  readonly VirtualNetworkInstance: VirtualNetworkInstance;
  readonly VirtualNetwork: VirtualNetwork;
}
