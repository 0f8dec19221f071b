import {
  Badge,
  convertCssVariables,
  createTheme,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  type MantineColorsTuple,
  mergeMantineTheme,
} from '@mantine/core';

const evergreen: MantineColorsTuple = [
  '#e9f7f3',
  '#d3ede5',
  '#a5dccc',
  '#74cab2',
  '#4dba9c',
  '#2fa688',
  '#14806a',
  '#0b6b57',
  '#095646',
  '#063f34',
];

const dark: MantineColorsTuple = [
  '#e4eae7',
  '#c4cec9',
  '#9daaa4',
  '#8b9892',
  '#37423d',
  '#2a3330',
  '#1f2624',
  '#101413',
  '#0b0f0e',
  '#070a09',
];

export const theme = createTheme({
  primaryColor: 'evergreen',
  primaryShade: { light: 7, dark: 6 },
  colors: { evergreen, dark },
  black: '#17201d',
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  headings: {
    fontFamily: "'Bricolage Grotesque Variable', 'Inter Variable', system-ui, sans-serif",
    fontWeight: '650',
  },
  defaultRadius: 'md',
  respectReducedMotion: true,
  components: {
    Badge: Badge.extend({ defaultProps: { variant: 'light', size: 'lg', tt: 'none', fw: 600 } }),
  },
});

const RED_BUTTON = { '--mantine-color-red-filled': '#c92a2a', '--mantine-color-red-filled-hover': '#a82323' };

/** The colours that differ from Mantine's. All texts have a contrast of at least 4.5:1. */
const COLORS = {
  light: {
    '--mantine-color-body': '#f4f6f3',
    '--mantine-color-dimmed': '#56625d',
    '--mantine-color-placeholder': '#68746f',
    '--mantine-color-error': '#b42318',
    '--mantine-color-disabled-color': '#68746f',
    '--mantine-color-default-border': '#cfd7d2',
    ...RED_BUTTON,
    '--surface': '#ffffff',
    '--line': '#e0e6e1',
    '--track': '#e3ebe6',
  },
  dark: {
    '--mantine-color-error': '#ff9d91',
    ...RED_BUTTON,
    '--surface': '#181e1c',
    '--line': '#29322e',
    '--track': '#2a3530',
  },
};

/** Applies the theme's variables without a <style> element, which the content security policy forbids. */
export function applyTheme(): void {
  const { variables, light, dark } = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme));
  const css = convertCssVariables(
    { variables, light: { ...light, ...COLORS.light }, dark: { ...dark, ...COLORS.dark } },
    ':root',
  );
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
}
