/** The loader comes without types. Takes the folder of the package. */
declare module 'node-gyp-build' {
  function load(folder: string): unknown;
  export default load;
}
