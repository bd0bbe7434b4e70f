/* A shared object that is no fixer. */
int vmconvert_something_else(void);
int vmconvert_something_else(void) {
  return 1;
}
