// Memory of this process: what is resident, and the peak since that was asked.

import fs from 'node:fs';

export function residentBytes() {
  if (process.platform === 'linux') fs.writeFileSync('/proc/self/clear_refs', '5'); // the peak starts from here
  return process.memoryUsage.rss();
}

export function peakBytes() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
}
