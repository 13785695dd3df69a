import { type Grant, rights } from './smb/messages/security.js';

/**
 * Who may open a disc with what a guest is told: its folder may let in whoever logs in at the host. Hyper-V's service is the system, and lets the machine in
 * when the disc is put into its drive; the group is let in, too, in case it does not. All SIDs are the same on every Windows (MS-DTYP 2.4.2.4).
 */
export const discRights: readonly Grant[] = [
  { who: 'S-1-5-18', rights: rights.all }, // the system
  { who: 'S-1-5-32-544', rights: rights.all }, // administrators
  { who: 'S-1-3-4', rights: rights.all }, // its owner, who wrote it
  { who: 'S-1-5-83-0', rights: rights.read }, // the host's virtual machines
];
