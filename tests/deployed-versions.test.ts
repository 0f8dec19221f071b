import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEPLOYED } from '#scripts/local/servers/deployed-servers.ts';

const read = (pattern: string) => globSync(pattern).map((file) => readFileSync(file, 'utf8'));
const versionsIn = (texts: readonly string[], pattern: RegExp) =>
  texts.flatMap((text) => [...text.matchAll(pattern)].map(([, version]) => version));

describe.each(DEPLOYED)('the $title version of the tests', ({ title, version }) => {
  const series = version.split('.').slice(0, 2).join('.');

  it('is the version that docker-compose.yml and k8s deploy', () => {
    const image = new RegExp(`^ *image: docker\\.io/library/${title.toLowerCase()}:([\\d.]+)(?:-alpine)?$`, 'gm');
    expect(versionsIn(read('docker-compose.yml'), image)).toEqual([version]);
    expect(versionsIn(read('k8s/**/*.yaml'), image)).toEqual([version]);
  });

  it('is the version that the documentation and the manifests name', () => {
    const texts = [...read('README.md'), ...read('docs/**/*.md'), ...read('k8s/**/*.yaml')];
    const named = versionsIn(texts, new RegExp(`\\b${title} (\\d+\\.\\d+)`, 'g'));
    expect(named.filter((one) => one !== series)).toEqual([]);
    if (title === 'MySQL') expect(named).not.toEqual([]);
  });
});
