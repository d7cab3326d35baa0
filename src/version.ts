/** What this program calls itself in entries and reports. */
export const VERSION = '0.1.0';
export const TOOL = `holdfast ${VERSION}`;
