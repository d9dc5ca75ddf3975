import { checkAddon } from './addon-probe.ts'
import { checkCMake, checkCompiler } from './build-tools.ts'
import type { Finding } from './finding.ts'
import { checkCpu, checkGpu, checkLibTorch, checkNode } from './machine.ts'

export type { Finding } from './finding.ts'

/** The state of this installation. */
export interface DoctorReport {
  /** False when something is missing without which eegtorch does not work. */
  ok: boolean
  findings: Finding[]
}

/** Looks at everything that eegtorch needs. Never throws for what is missing: that is its answer. */
export async function runDoctor(): Promise<DoctorReport> {
  const { finding: libtorch, libtorch: found } = checkLibTorch()
  const [compiler, cmake, gpu, addon] = await Promise.all([
    checkCompiler(),
    checkCMake(),
    checkGpu(found),
    libtorch.state === 'ok' ? checkAddon() : notTried(),
  ])
  const findings = [checkNode(), compiler, cmake, libtorch, checkCpu(), gpu, addon]
  return { ok: findings.every(({ state }) => state !== 'failed'), findings }
}

function notTried(): Finding {
  return { name: 'addon', state: 'failed', text: 'not tried: it needs LibTorch' }
}
