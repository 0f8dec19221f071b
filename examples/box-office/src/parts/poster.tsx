const PALETTES = [
  ['#12302b', '#e8b04b', '#4dba9c'],
  ['#26305c', '#f2a488', '#8ea3f0'],
  ['#4a1f3d', '#f3c969', '#d9799f'],
  ['#7a2f1d', '#f7d9a8', '#e98a5b'],
  ['#1f3d57', '#e9e3c9', '#5fb0cf'],
  ['#3c4a1f', '#f0e2a0', '#9dbd59'],
] as const;

/** Like FNV-1a, with its high bits mixed into the low ones. */
function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Draws a poster for an event. The same text always gives the same poster. */
export function Poster({ of }: { of: string }) {
  const hash = hashOf(of);
  const [ground, sun, wave] = PALETTES[hash % PALETTES.length] ?? PALETTES[0];
  const pick = (bits: number, count: number) => (hash >>> bits) % count;
  const x = 70 + pick(4, 9) * 22;
  return (
    <svg className="poster" viewBox="0 0 320 160" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      <rect width="320" height="160" fill={ground} />
      {pick(9, 3) === 0 && <circle cx={x} cy="70" r="46" fill={sun} />}
      {pick(9, 3) === 1 &&
        [58, 42, 26, 10].map((radius, index) => (
          <circle key={radius} cx={x} cy="104" r={radius} fill={index % 2 === 0 ? sun : ground} />
        ))}
      {pick(9, 3) === 2 &&
        Array.from({ length: 9 }, (_, index) => index * 34 + 10).map((left) => (
          <rect key={left} x={left} y={28 + ((left * pick(5, 7)) % 60)} width="14" height="160" rx="7" fill={sun} />
        ))}
      <path
        d={`M0 ${118 + pick(12, 12)} Q80 ${84 + pick(15, 30)} 160 118 T320 ${108 + pick(18, 16)} V160 H0z`}
        fill={wave}
      />
      <path d={`M0 ${136 + pick(14, 8)} Q90 118 190 140 T320 132 V160 H0z`} fill={ground} opacity="0.55" />
    </svg>
  );
}
