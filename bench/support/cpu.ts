import { readFileSync } from 'node:fs';

/** The pids of processes by their names. */
export type Pids = Readonly<Record<string, number>>;

/** Linux counts processor time in ticks of 10 ms. */
const TICK_MS = 10;

/** Returns the processor time that each process has used, in ms. Returns no entries on systems other than Linux. */
export function readCpuMs(pids: Pids): Record<string, number> {
  if (process.platform !== 'linux') return {};
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMsOf(pid)]));
}

/** Returns utime + stime, the fields 14 and 15 of proc_pid_stat(5). The name in field 2 may contain spaces. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) * TICK_MS;
}
